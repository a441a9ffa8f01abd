import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { checkUrl, isPublicAddress, resolve } from '../../src/webhooks/address.ts';
import { createSend } from '../../src/webhooks/send.ts';
import { afterSuite } from '../support/cleanup.ts';

const REFUSED = [
  ['unspecified', '0.0.0.0'],
  ['"this" network', '0.1.2.3'],
  ['loopback', '127.0.0.1'],
  ['all of loopback', '127.255.255.254'],
  ['private, class A', '10.0.0.1'],
  ['private, class B', '172.16.0.1'],
  ['private, end of class B', '172.31.255.255'],
  ['private, class C', '192.168.1.1'],
  ['link-local', '169.254.1.1'],
  ['cloud metadata', '169.254.169.254'],
  ['metadata of Alibaba, in carrier-grade NAT', '100.100.100.200'],
  ['carrier-grade NAT', '100.64.0.1'],
  ['metadata of Azure, a public number', '168.63.129.16'],
  ['metadata of Oracle, in protocol assignments', '192.0.0.192'],
  ['documentation', '192.0.2.1'],
  ['documentation', '198.51.100.1'],
  ['documentation', '203.0.113.1'],
  ['benchmarking', '198.18.0.1'],
  ['6to4 relay', '192.88.99.1'],
  ['multicast', '224.0.0.1'],
  ['reserved', '240.0.0.1'],
  ['broadcast', '255.255.255.255'],
  ['unspecified', '::'],
  ['loopback', '::1'],
  ['IPv4-mapped loopback', '::ffff:127.0.0.1'],
  ['IPv4-mapped loopback in hexadecimal', '::ffff:7f00:1'],
  ['IPv4-mapped metadata', '::ffff:169.254.169.254'],
  ['IPv4-mapped metadata of Azure', '::ffff:168.63.129.16'],
  ['IPv4-compatible loopback', '::127.0.0.1'],
  ['IPv4-translated', '::ffff:0:127.0.0.1'],
  ['NAT64 of loopback', '64:ff9b::127.0.0.1'],
  ['NAT64 of a private network', '64:ff9b:1::10.0.0.1'],
  ['6to4 of loopback', '2002:7f00:1::'],
  ['Teredo', '2001:0:7f00:1::1'],
  ['unique local', 'fc00::1'],
  ['metadata of AWS, unique local', 'fd00:ec2::254'],
  ['link-local', 'fe80::1'],
  ['link-local with a zone', 'fe80::1%eth0'],
  ['site-local', 'fec0::1'],
  ['multicast', 'ff02::1'],
  ['documentation', '2001:db8::1'],
  ['documentation', '3fff::1'],
  ['discard', '100::1'],
  ['no address', 'localhost'],
  ['nothing', ''],
] as const;

const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '172.32.0.1',
  '100.128.0.1',
  '::ffff:8.8.8.8',
  '2606:4700:4700::1111',
  '2a00:1450::1',
];

describe('an address that a webhook may not go to', () => {
  it.each(REFUSED)('is %s: %s', (_what, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
  it.each(PUBLIC)('is not %s, which is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('the URL of an endpoint', () => {
  it.each([
    'http://shop.example/hook',
    'ftp://shop.example',
    'shop.example',
    '',
    'https://user:secret@shop.example/',
    'https://user@shop.example/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://017700000001/',
    'https://127.1/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://１２７.0.0.1/',
    'https://169.254.169.254/latest/meta-data/',
  ])('is refused where it is %s', (url) => {
    expect(checkUrl(url, false).isErr()).toBe(true);
  });
  it.each(['https://shop.example/hook?token=1', 'https://8.8.8.8/', 'https://shop.example:8443/'])(
    'may be %s',
    (url) => {
      expect(checkUrl(url, false).isOk()).toBe(true);
    },
  );
  it('may be plain HTTP on this machine where everything is a demonstration', () => {
    expect(checkUrl('http://127.0.0.1:4000/hook', true).isOk()).toBe(true);
    expect(checkUrl('ftp://127.0.0.1/', true).isErr()).toBe(true);
  });
});

const heard: IncomingMessage[] = [];
const receiver = createServer((request, response) => {
  heard.push(request);
  response.end();
});
await new Promise<void>((go) => receiver.listen(0, '127.0.0.1', go));
afterSuite(() => new Promise((go) => receiver.close(go)));
const { port } = receiver.address() as AddressInfo;
const never = new AbortController().signal;
const message = (host: string) => ({ url: `http://${host}:${port}/hook`, headers: {}, body: '{}' });

describe('a try to deliver', () => {
  it.each(['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433'])(
    'makes no connection to %s',
    async (host) => {
      const before = heard.length;
      const send = createSend({ allowPrivate: false });
      expect(await send(message(host), never)).toMatchObject({
        statusCode: null,
        error: 'The host has no address of the public internet.',
      });
      expect(heard).toHaveLength(before);
    },
  );

  it.each([['127.0.0.1'], ['10.0.0.1', '::1', '::ffff:169.254.169.254']])(
    'makes none to a name that resolves to %s alone',
    async (...addresses) => {
      const send = createSend({ allowPrivate: false, resolve: async () => addresses });
      expect(await send(message('shop.example'), never)).toMatchObject({ statusCode: null });
    },
  );

  it('connects to the address that was looked at, and asks no name server again', async () => {
    const asked: string[] = [];
    const send = createSend({
      allowPrivate: true,
      // Whoever asked a second time would be sent elsewhere.
      resolve: async (host) => (asked.push(host) === 1 ? ['127.0.0.1'] : ['192.0.2.1']),
    });
    expect(await send(message('rebinding.example'), never)).toMatchObject({ statusCode: 200, error: null });
    expect(asked).toEqual(['rebinding.example']);
    expect(heard.at(-1)?.headers.host).toBe(`rebinding.example:${port}`);
  });

  it('ends in time though a name server never answers', async () => {
    const send = createSend({ allowPrivate: false, timeoutMs: 50, resolve: () => new Promise(() => undefined) });
    expect(await send(message('shop.example'), never)).toMatchObject({
      statusCode: null,
      error: 'There was no answer in time.',
    });
  });

  it('says so where a name has no address', async () => {
    const send = createSend({ allowPrivate: false, resolve: async () => [] });
    expect(await send(message('shop.example'), never)).toMatchObject({
      error: 'The name of the host could not be resolved.',
    });
  });

  it('fails as a value where the URL cannot be called', async () => {
    const send = createSend({ allowPrivate: true });
    expect(await send({ url: 'nonsense', headers: {}, body: '' }, never)).toMatchObject({ statusCode: null });
    expect(await send({ ...message('127.0.0.1'), headers: { 'bad header': 'x' } }, never)).toMatchObject({
      statusCode: null,
    });
  });
});

describe('a host', () => {
  it('that is an address is that address, and localhost is this machine', async () => {
    expect(await resolve('192.0.2.7')).toEqual(['192.0.2.7']);
    expect(await resolve('localhost')).toEqual(['127.0.0.1', '::1']);
  });
});
