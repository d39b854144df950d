import type { DecantConfig } from './config-schema.ts';

/** Where the models of a run compute, as the stages are told. */
export interface DeviceSettings {
  readonly device: 'auto' | 'cpu' | 'cuda';
  /** Of `cuda:N`; undefined otherwise. A place and no property of the result, so stages keep it out of recipes. */
  readonly deviceId: number | undefined;
}

/** `cuda:1` of decant.yaml is the device cuda with the number 1. */
export function deviceSettings({ device }: Pick<DecantConfig, 'device'>): DeviceSettings {
  const [kind, number] = device.split(':');
  const known = (['auto', 'cpu'] as const).find((one) => one === kind);
  return { device: known ?? 'cuda', deviceId: number === undefined ? undefined : Number(number) };
}
