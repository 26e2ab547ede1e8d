import { isForbiddenAddress, parseRanges } from './forbidden-address.js';

describe('forbidden address', () => {
  it.each([
    ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.255'],
    ...['169.254.169.254', '172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1'],
    ...['192.168.1.1', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.9', '224.0.0.1'],
    ...['239.255.255.255', '240.0.0.1', '255.255.255.255'],
    ...['::', '::1', 'fc00::1', 'fd12:3456::1', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1', 'ff02::1'],
    ...['2001:db8::1', '100::1', '64:ff9b:1::1'],
  ])('is never connected to: %s', (address) => {
    expect(isForbiddenAddress(address)).toBe(true);
  });

  it.each([
    ['mapped', '::ffff:127.0.0.1'],
    ['mapped, hex', '::ffff:7f00:1'],
    ['compatible', '::10.0.0.1'],
    ['translated', '::ffff:0:192.168.0.1'],
    ['6to4', '2002:7f00:1::'],
    ['6to4 of a private network', '2002:c0a8:101:1::1'],
    ['NAT64', '64:ff9b::169.254.169.254'],
    ['Teredo client', '2001:0:808:808:0:0:80ff:fffe'],
    ['Teredo server', '2001:0:a00:1:0:0:f7f7:f7f7'],
    ['ISATAP', '2606:4700::5efe:10.0.0.1'],
    ['ISATAP, universal bit', '2606:4700::200:5efe:10.0.0.1'],
  ])('is found inside IPv6: %s', (_form, address) => {
    expect(isForbiddenAddress(address)).toBe(true);
  });

  it.each([
    ...['1.1.1.1', '8.8.8.8', '100.63.255.255', '100.128.0.1', '172.15.255.255', '172.32.0.1', '198.17.0.1'],
    ...['191.255.255.255', '223.255.255.255', '2606:4700::1111', '2a00:1450:4001::1'],
    ...['::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2002:808:808::1', '2606:4700::5efe:8.8.8.8'],
  ])('does not include public addresses: %s', (address) => {
    expect(isForbiddenAddress(address)).toBe(false);
  });

  it.each(['', 'example.com', '1.2.3', '1.2.3.4.5', ':::', '127.0.0.1/8'])(
    'includes what is not an address: "%s"',
    (text) => {
      expect(isForbiddenAddress(text)).toBe(true);
    },
  );

  it('leaves out the allowed ranges, inside IPv6 too, and nothing beside them', () => {
    const allowed = parseRanges(['127.0.0.1/32', '10.1.0.0/16', 'fd00::/8', '192.168.7.7']);
    for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '10.1.2.3', 'fd00::5', '192.168.7.7']) {
      expect([address, isForbiddenAddress(address, allowed)]).toEqual([address, false]);
    }
    for (const address of ['127.0.0.2', '10.2.0.1', 'fc00::5', '192.168.7.8', '::1']) {
      expect([address, isForbiddenAddress(address, allowed)]).toEqual([address, true]);
    }
  });

  it('names the text of a bad range', () => {
    expect(() => parseRanges(['10.0.0.0/8', 'intranet'])).toThrow('"intranet": expected an IP address');
  });
});
