/**
 * A period that is closed, as a file that says by itself whether it is right: its sums, a hash over what it says, the hash
 * of the period before it, and a signature. Whoever checks it needs neither the database nor us.
 */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { AccountKind } from './account.ts';

export interface PeriodLine {
  readonly account: string | null;
  readonly kind: AccountKind;
  readonly currency: string;
  /** In minor units, as are the others; above zero where more was credited. */
  readonly opening: string;
  readonly debits: string;
  readonly credits: string;
  readonly closing: string;
}

/** What is signed. */
export interface PeriodContent {
  readonly object: 'period';
  readonly version: 1;
  readonly merchant: string;
  readonly number: number;
  /** Null: from the beginning. */
  readonly begins: string | null;
  /** It is in the next one. */
  readonly ends: string;
  readonly last_day: string;
  readonly tz: string;
  /** How many transfers there were up to its end. */
  readonly sequence: string;
  readonly previous_hash: string;
  /** Over that, and over each of its transfers in the order of their time. */
  readonly hash: string;
  readonly trial_balance: readonly PeriodLine[];
  /** How many faults the proof found that was made when it was closed. */
  readonly findings: number;
  readonly reconciliation: 'not_run';
}

export interface PeriodFile extends PeriodContent {
  readonly content_hash: string;
  /** Ed25519, SPKI in DER, in base64; and the signature of the content's bytes. */
  readonly public_key: string;
  readonly signature: string;
}

/** The order of its fields is the file's: whatever white space stands between them says nothing. */
const bytesOf = (content: PeriodContent): Buffer => Buffer.from(JSON.stringify(content));
const hashOf = (content: PeriodContent): string => createHash('sha256').update(bytesOf(content)).digest('hex');

/** `privateKey` is Ed25519's, PKCS 8 in PEM. */
export const signPeriod = (content: PeriodContent, privateKey: string): PeriodFile => {
  const key = createPrivateKey(privateKey);
  return {
    ...content,
    content_hash: hashOf(content),
    public_key: createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64'),
    signature: sign(null, bytesOf(content), key).toString('base64'),
  };
};

/** Each way in which a file is not what was signed; none, where it is. `key` is the public one, as it was told elsewhere. */
export const faultsOf = (file: PeriodFile, key: string = file.public_key): string[] => {
  const { content_hash: told, public_key: own, signature, ...content } = file;
  const faults = sumFaults(content.trial_balance);
  if (hashOf(content) !== told) faults.push('what it says is not what it was hashed for: something in it was changed');
  if (key !== own) faults.push('it names another key than the one that was given');
  if (!isSigned(content, key, signature)) faults.push('its signature is not that key’s, of what it says');
  return faults;
};

const isSigned = (content: PeriodContent, key: string, signature: string): boolean => {
  try {
    const publicKey = createPublicKey({ key: Buffer.from(key, 'base64'), type: 'spki', format: 'der' });
    return verify(null, bytesOf(content), publicKey, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
};

const sumFaults = (lines: readonly PeriodLine[]): string[] => [
  ...lines
    .filter(
      ({ opening, debits, credits, closing }) => BigInt(opening) - BigInt(debits) + BigInt(credits) !== BigInt(closing),
    )
    .map(
      ({ account, kind, currency, closing }) =>
        `${account ?? `all accounts of kind ${kind}`} in ${currency}: opening − debits + credits is not its closing of ${closing}`,
    ),
  ...[...Map.groupBy(lines, ({ currency }) => currency)].flatMap(([currency, own]) => {
    const sum = (of: (line: PeriodLine) => string): bigint => own.reduce((total, line) => total + BigInt(of(line)), 0n);
    const [debits, credits, closing] = [sum((l) => l.debits), sum((l) => l.credits), sum((l) => l.closing)];
    return [
      ...(debits === credits ? [] : [`${currency}: debits of ${debits} and credits of ${credits}`]),
      ...(closing === 0n ? [] : [`${currency}: the closings come to ${closing}, and not to 0`]),
    ];
  }),
];

/** Whether each of them goes on where the one before it ended, oldest first. */
export const chainFaults = (files: readonly PeriodFile[]): string[] =>
  files.flatMap((file, at) => {
    const before = files[at - 1];
    return before &&
      (before.hash !== file.previous_hash || before.ends !== file.begins || before.number + 1 !== file.number)
      ? [`period ${file.number} does not go on where period ${before.number} ended`]
      : [];
  });
