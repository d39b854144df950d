import { basename } from 'node:path';
import { Failure } from '#cache/failure.ts';

/** What a scheduler has to know to run a project as it is now. */
export interface ScheduledRun {
  /** Absolute paths of node and of the command line. */
  readonly node: string;
  readonly program: string;
  /** Arguments behind the program. */
  readonly args: readonly string[];
  /** Folder of decant.yaml. */
  readonly folder: string;
  /** Folders that the run writes to. */
  readonly writes: readonly string[];
  readonly user: string;
  /** Time of day, `HH:MM`. */
  readonly at: string;
  /** Whether the run may need /dev/nvidia*. */
  readonly mayUseGpu: boolean;
}

/** One file of a scheduler, by the name it has to have. */
export interface ScheduleFile {
  readonly name: string;
  readonly text: string;
}

export class ScheduleError extends Failure {
  constructor(problem: string, fix: string) {
    super('usage', 'E_SCHEDULE', problem, fix);
  }
}

/** A line for `crontab -e`, with what cron needs to know. */
export function cronFile(run: ScheduledRun): ScheduleFile {
  const { hour, minute } = timeOf(run.at);
  const command = [run.node, run.program, ...run.args].map(shellWord).join(' ');
  // In a crontab an unescaped % begins the input of the command.
  const line = `cd ${shellWord(run.folder)} && ${command}`.replaceAll('%', '\\%');
  return {
    name: 'crontab',
    text: [
      '# Silent on success, so a mail means that something needs you. A run that is stopped or locked',
      '# out ends with 75 and the next one goes on where it stopped. Add with: crontab -e',
      `${minute} ${hour} * * * ${line}`,
      '',
    ].join('\n'),
  };
}

/** A oneshot service and a persistent timer. */
export function systemdFiles(run: ScheduledRun): ScheduleFile[] {
  const name = `decant-${unitName(basename(run.folder))}`;
  return [
    { name: `${name}.service`, text: service(run) },
    { name: `${name}.timer`, text: timer(run) },
  ];
}

function service(run: ScheduledRun): string {
  const { node, program, args, folder, writes, user, mayUseGpu } = run;
  return `[Unit]
Description=Decant: distil ${unitText(folder)}
RequiresMountsFor=${unitWord(folder)}
# At most 5 starts in 12 hours; then a person should look.
StartLimitIntervalSec=12h
StartLimitBurst=5

[Service]
Type=oneshot
User=${user}
WorkingDirectory=${unitText(folder)}
ExecStart=${[node, program, ...args].map(execWord).join(' ')}
# Exit code 75 means: run again, finished parts are kept. Systemd 252 refuses RestartForceExitStatus=75
# for a oneshot service, so the codes are named that a restart does not cure.
Restart=on-failure
RestartPreventExitStatus=1 2 3 4 5 10 130
RestartSec=5min
# SIGTERM goes to the command line only; it checkpoints and ends within 10 s.
KillMode=mixed
TimeoutStopSec=60
Nice=10

# The run reads what it likes, writes below its own folders, and talks to nobody.
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths=${[...new Set(writes)].map(unitWord).join(' ')}
PrivateTmp=yes
${mayUseGpu ? '# PrivateDevices=yes would hide the GPU.' : 'PrivateDevices=yes'}
NoNewPrivileges=yes
CapabilityBoundingSet=
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
SystemCallArchitectures=native
UMask=0027
# No MemoryDenyWriteExecute: the JavaScript engine compiles while it runs.
`;
}

function timer({ folder, at }: ScheduledRun): string {
  const { hour, minute } = timeOf(at);
  return `[Unit]
Description=Decant: distil ${unitText(folder)} every day

[Timer]
OnCalendar=*-*-* ${pad(hour)}:${pad(minute)}:00
# A machine that was off catches up when it starts.
Persistent=true
RandomizedDelaySec=5min

[Install]
WantedBy=timers.target
`;
}

function timeOf(at: string): { readonly hour: number; readonly minute: number } {
  const match = /^(\d{1,2}):(\d{2})$/.exec(at);
  const [hour, minute] = [Number(match?.[1]), Number(match?.[2])];
  if (match !== null && hour < 24 && minute < 60) return { hour, minute };
  throw new ScheduleError(`${JSON.stringify(at)} is no time of day`, 'write it as --at 02:30');
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

function shellWord(word: string): string {
  const text = oneLine(word);
  return /^[\w./:=@,+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A word of ExecStart=: quoted, with $ and % doubled, because systemd expands both. */
function execWord(word: string): string {
  return unitWord(word).replaceAll('$', '$$$$');
}

function unitWord(word: string): string {
  const text = unitText(word);
  if (/^[\w./:=@,+$%-]+$/.test(text)) return text;
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** The rest of a line in a unit file: % begins a specifier. */
function unitText(text: string): string {
  return oneLine(text).replaceAll('%', '%%');
}

function oneLine(text: string): string {
  if (!/[\r\n]/.test(text)) return text;
  throw new ScheduleError(
    `${JSON.stringify(text)} holds a line break`,
    'rename the folder: schedulers read line by line',
  );
}

function unitName(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_.-]+/g, '-').replaceAll(/^-+|-+$/g, '') || 'project';
}
