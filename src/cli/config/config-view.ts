import type { Listing } from '../output/output.ts';
import { CONFIG_KEYS, type ConfigKey } from './schema.ts';
import type { Origin, Setting } from './sources.ts';

/** One setting, as `-o json` shows it. */
export interface SettingView {
  key: ConfigKey;
  /** Null: nobody says it, and there is no default. */
  value: string | null;
  /** `default`, `user:/home/me/.fsb/config.json`, `environment:FSB_HOST`, `context:build`. */
  origin: string;
}

export const settingView = (key: ConfigKey, { value, origin }: Setting): SettingView => ({
  key,
  value: value ?? null,
  origin: originText(origin),
});

export const originText = ({ source, name }: Origin): string => (name === '' ? source : `${source}:${name}`);

/** All of them, with where each comes from. */
export function settingsListing(get: (key: ConfigKey) => Setting): Listing<SettingView> {
  return {
    items: CONFIG_KEYS.map((key) => settingView(key, get(key))),
    columns: [
      { title: 'KEY', value: ({ key }) => key },
      { title: 'VALUE', value: ({ value }) => value ?? '' },
      { title: 'ORIGIN', value: ({ origin }) => origin },
    ],
    name: ({ key }) => key,
  };
}

/** `output=wide`: what a file says from now on. @param origin that file */
export const setListing = (key: ConfigKey, value: string, origin: Origin): Listing<SettingView> => ({
  items: [settingView(key, { value, origin })],
  ...{ single: true, columns: [], name: () => key, describe: () => `${key}=${value}\n` },
});

export interface UnsetView {
  key: string;
  /** False: it was not there. */
  removed: boolean;
}

export const unsetListing = (view: UnsetView): Listing<UnsetView> => ({
  items: [view],
  ...{ single: true, columns: [], name: ({ key }) => key, describe: ({ key }) => `${key}\n` },
});

/** The value alone, for scripts; with its origin before it, as git shows it. */
export function settingListing(setting: SettingView, showOrigin: boolean): Listing<SettingView> {
  const value = setting.value ?? '';
  return {
    items: [setting],
    single: true,
    columns: [],
    name: () => value,
    describe: () => (showOrigin ? `${setting.origin}\t${value}\n` : `${value}\n`),
  };
}
