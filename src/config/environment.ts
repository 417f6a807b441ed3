/** Every flag and environment variable that carries a setting, as data: read by the loader, the documentation and its test. */

export interface Setting {
  readonly variable: string;
  /** Name of the flag without dashes. */
  readonly flag: string;
  /** Place in `comfleet.yaml`. */
  readonly path: readonly string[];
  /** `comfyui` is a folder or URLs of ComfyUI, several with commas between them. */
  readonly kind: 'text' | 'number' | 'boolean' | 'folder' | 'comfyui';
  readonly example: string;
  readonly meaning: string;
}

const setting = (flag: string, path: string, kind: Setting['kind'], example: string, meaning: string): Setting => ({
  variable: `COMFLEET_${flag.toUpperCase().replaceAll('-', '_')}`,
  flag,
  path: path.split('.'),
  kind,
  example,
  meaning,
});

export const settings: readonly Setting[] = [
  setting('host', 'network.host', 'text', '127.0.0.1', 'Address to listen on.'),
  setting('port', 'network.port', 'number', '8288', 'Port of gateway and dashboard.'),
  setting('data-dir', 'data_dir', 'folder', './.comfleet', 'Folder for database, assets, logs and the supervisor.'),
  setting('runtime', 'runtime', 'text', 'auto', 'What starts containers: auto, emulated, process or remote.'),
  setting('comfyui', 'comfyui', 'comfyui', '~/ComfyUI', 'Folder of ComfyUI, or URLs of running servers with commas between them.'),
  setting('cpu', 'comfyui.cpu', 'boolean', 'true', 'Run ComfyUI without a GPU.'),
  setting('profile', 'profile', 'text', 'a10g-collage', 'Timing of emulated containers.'),
  setting('capacity', 'capacity', 'number', '4', 'Containers that fit.'),
  setting('open-graphs', 'open_graphs', 'boolean', 'false', "Whether graphs of clients run that are not the deployment's own."),
];

export interface Variable {
  readonly name: string;
  readonly meaning: string;
  readonly example: string;
}

/** Variables that stand for no key of `comfleet.yaml`. */
export const otherVariables: readonly Variable[] = [
  { name: 'COMFLEET_CONFIG', meaning: 'The configuration file.', example: './comfleet.yaml' },
  { name: 'COMFLEET_URL', meaning: 'The gateway that the client verbs call.', example: 'http://127.0.0.1:8288' },
  { name: 'COMFLEET_KEY', meaning: 'The API key that the client verbs send.', example: 'the secret that keys create printed' },
  { name: 'COMFLEET_DEBUG', meaning: 'Any value: errors of the command line show where they came from.', example: '1' },
  { name: 'COMFYUI_HOME', meaning: 'Folder of ComfyUI; weaker than every other way to name it.', example: '~/ComfyUI' },
  { name: 'NO_COLOR', meaning: 'Any value: no colours on the terminal.', example: '1' },
];

/** All documented variables. */
export const variables: readonly Variable[] = [
  ...settings.map(({ variable, meaning, example }) => ({ name: variable, meaning, example })),
  ...otherVariables,
];
