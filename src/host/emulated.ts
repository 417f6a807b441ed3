import type { Clock } from '../fleet/clock.ts';
import type { PixelPool } from '../emulator/pixels/pool.ts';
import { loadProfile, startSeconds, type Profile } from '../emulator/profile.ts';
import { seededDraws } from '../emulator/seeded.ts';
import { startEmulatedServer, type EmulatedServer } from '../emulator/server.ts';
import type { Launched, Launcher, Report } from './launcher.ts';
import type { StartRequest } from './protocol.ts';

/** Small ones: hundreds of containers share the process. */
const previews = ['--preview-method', 'latent2rgb', '--preview-size', '128'];

/** Emulated containers: servers in the supervisor's own process, after the time that their profile says a start takes. */
export function createEmulatedLauncher({ clock, pixels }: { clock: Clock; pixels: PixelPool }): Launcher {
  const profiles = new Map<string, Profile>();
  const profileOf = (name: string): Profile => {
    const known = profiles.get(name) ?? loadProfile(name);
    profiles.set(name, known);
    return known;
  };
  return {
    launch(request, folder, report) {
      const profile = profileOf(request.launch.kind === 'emulated' ? request.launch.profile : '');
      return launch({ clock, pixels, profile }, request, folder, report);
    },
  };
}

function launch(
  parts: { clock: Clock; pixels: PixelPool; profile: Profile },
  request: StartRequest,
  folder: string,
  report: Report,
): Launched {
  const { clock, pixels, profile } = parts;
  let server: Promise<EmulatedServer> | null = null;
  let stopped = false;
  const open = (): Promise<EmulatedServer> =>
    startEmulatedServer({
      profile,
      clock,
      name: request.id,
      folder,
      pixels,
      flags: previews,
      onCrash: () => report.exited('crashed', 'the emulated fault `crash`'),
    });

  report.log('comfleet', `emulated container, timing of profile ${profile.name}`);
  report.phase('process');
  const timer = clock.at(clock.now() + startSeconds(profile, seededDraws(request.id)) * 1000, () => {
    server = open();
    server.then(
      (opened) => {
        if (stopped) return;
        opened.log((line) => report.log(line.stream, line.text));
        report.ready({ url: opened.url });
      },
      (error: unknown) => report.exited('start_failed', String(error)),
    );
  });
  return {
    async stop() {
      stopped = true;
      timer.cancel();
      await server?.then(
        (opened) => opened.close(),
        () => undefined, // It never opened; that has been told.
      );
    },
  };
}
