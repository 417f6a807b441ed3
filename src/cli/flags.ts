import { Option, type Command } from 'commander';
import { settings } from '../config/environment.ts';
import type { Flags } from '../config/sources.ts';

/** Adds a flag for every setting that has one, and --config. */
export function settingOptions(command: Command): Command {
  command.option('--config <file>', 'the configuration file (else COMFLEET_CONFIG, else ./comfleet.yaml)');
  for (const { flag, kind, meaning, variable } of settings) {
    const description = `${meaning[0]?.toLowerCase()}${meaning.slice(1).replace(/\.$/, '')} (${variable})`;
    if (kind === 'boolean') command.option(`--${flag} [on]`, description);
    else if (kind === 'comfyui') command.addOption(new Option(`--${flag} <path|url>`, description).argParser(collect));
    else command.option(`--${flag} <${kind}>`, description);
  }
  return command;
}

const collect = (value: string, before: readonly string[] | undefined): string[] => [...(before ?? []), value];

/** Commander's camelCase options as flags by their own names. */
export function flagsOf(options: Readonly<Record<string, unknown>>): Flags {
  const names = [...settings.map(({ flag }) => flag), 'config'];
  const camel = (flag: string): string => flag.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(names.map((name) => [name, options[camel(name)] as Flags[string]]));
}
