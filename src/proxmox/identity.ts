import type { GuestIdentity, GuestType } from '../core/observation.js';
import { reader, TEXT, textOf, type RawText } from './schema.js';

interface RawConfig {
  smbios1?: RawText;
  meta?: RawText;
  net0?: RawText;
  rootfs?: RawText;
}

const readConfig = reader<RawConfig>({
  type: 'object',
  properties: { smbios1: TEXT, meta: TEXT, net0: TEXT, rootfs: TEXT },
});

/** What GET .../config says of a guest's identity (proxmox-api.md, section 4): of a VM uuid and ctime, of a container hwaddr and rootfs. */
export function identityOf(type: GuestType, vmid: number, data: unknown, request: string): GuestIdentity {
  const raw = readConfig(data, request);
  if (type === 'lxc') {
    const rootfs = textOf(raw.rootfs);
    const hwaddr = propertyOf(textOf(raw.net0), 'hwaddr')?.toUpperCase() ?? null;
    const volume = propertyOf(rootfs, 'volume') ?? rootfs?.split(',')[0] ?? null;
    return { type, vmid, uuid: null, createdTimeS: null, hwaddr, rootfs: volume };
  }
  const ctime = Number(propertyOf(textOf(raw.meta), 'ctime') ?? NaN);
  return {
    type,
    vmid,
    uuid: propertyOf(textOf(raw.smbios1), 'uuid')?.toLowerCase() ?? null,
    createdTimeS: Number.isSafeInteger(ctime) ? ctime : null,
    hwaddr: null,
    rootfs: null,
  };
}

/** A value of a property string such as "uuid=...,manufacturer=...". */
function propertyOf(text: string | null, key: string): string | null {
  const property = text?.split(',').find((part) => part.startsWith(`${key}=`));
  return property === undefined ? null : property.slice(key.length + 1) || null;
}
