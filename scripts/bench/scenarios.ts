/** What the bench drives, by name; the arguments are the load generator's. */
export interface Scenario {
  readonly what: string;
  readonly args: readonly string[];
  /** Other generators know the plain operations alone. */
  readonly ownGeneratorOnly?: true;
  /** Of an open loop: the arguments at another rate. */
  readonly at?: (ratePerS: number) => readonly string[];
}

/** What a thousand tellers and a checkout ask of the service in a second. */
export const MIXED_RATE = 3_333;
export const mixedArgs = (ratePerS: number): readonly string[] => [
  ...['--mix', 'balance=70,debit=20,payment=10', '--replay', '1'],
  ...['--mode', 'open', '--rate', String(ratePerS)],
];

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  balance: { what: 'a wallet is read', args: ['--mix', 'balance'] },
  'debit-uniform': { what: 'a wallet pays, each as often', args: ['--mix', 'debit'] },
  'debit-hot': { what: 'a wallet pays, always the same', args: ['--mix', 'debit', '--hot'] },
  transfer: { what: 'wallet to wallet', args: ['--mix', 'transfer'] },
  bulk: { what: '100 transfers in a request', args: ['--mix', 'bulk'], ownGeneratorOnly: true },
  payment: { what: 'a card is charged', args: ['--mix', 'payment'] },
  item: { what: 'an item is read', args: ['--mix', 'item'] },
  usage: { what: 'a quote of 20 lines', args: ['--mix', 'usage'] },
  mixed: {
    what: `open loop, ${MIXED_RATE} a second: 70 % balance, 20 % debit, 10 % payment; 1 % of those that move money are replays`,
    args: mixedArgs(MIXED_RATE),
    at: mixedArgs,
  },
};
