import { BlockList, isIP, SocketAddress } from 'node:net';

interface Plain {
  address: string;
  family: 'ipv4' | 'ipv6';
  /** The address was IPv4 in the clothes of IPv6, as a listener on `::` sees it. */
  isMapped: boolean;
}

/** Judges by security.trusted_ips (addresses, and networks with a prefix) whether an address is one of them; an IPv4 address counts in its IPv6 form too. */
export function trustedAddresses(written: readonly string[]): (address: string) => boolean {
  // Apart, for a network of IPv6 such as ::/64 would hold every IPv4 address in its IPv6 form.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const each of written) {
    const [given = '', prefix] = each.split('/');
    const plain = plainOf(given);
    if (plain === null) continue;
    const { address, family, isMapped } = plain;
    if (prefix === undefined) lists[family].addAddress(address, family);
    else if (!isMapped) lists[family].addSubnet(address, Number(prefix), family);
    else if (Number(prefix) >= 96) lists.ipv4.addSubnet(address, Number(prefix) - 96, 'ipv4');
  }
  return (address) => {
    const plain = plainOf(address);
    return plain !== null && lists[plain.family].check(plain.address, plain.family);
  };
}

function plainOf(given: string): Plain | null {
  const address = given.replace(/%.*$/, '');
  if (isIP(address) === 0) return null;
  if (isIP(address) === 4) return { address, family: 'ipv4', isMapped: false };
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address;
  const inner = /^::ffff:([\d.]+)$/.exec(canonical)?.[1];
  if (inner === undefined) return { address: canonical, family: 'ipv6', isMapped: false };
  return { address: inner, family: 'ipv4', isMapped: true };
}
