import { describe, it } from '@jest/globals';
import { RuleTester } from 'eslint';
import { parser } from 'typescript-eslint';
import { noDroppedResult } from '../../scripts/lint/no-dropped-result.ts';

RuleTester.describe = describe;
RuleTester.it = it;

const NEVERTHROW = `
  import { ok, okAsync, type Result, type ResultAsync } from 'neverthrow';
  declare const now: () => Result<number, string>;
  declare const later: () => ResultAsync<number, string>;
  declare const promised: () => Promise<Result<number, string>>;
`;

const asTestCase = (statement: string) => ({
  name: statement,
  code: `${NEVERTHROW}\nexport const run = async () => { ${statement} };`,
  filename: import.meta.filename,
});

const tester = new RuleTester({
  languageOptions: { parser, parserOptions: { projectService: true, tsconfigRootDir: `${import.meta.dirname}/../..` } },
});

// ESLint types its rules more loosely than typescript-eslint does; the two agree at run time.
tester.run('no-dropped-result', noDroppedResult as never, {
  valid: [
    'return now();',
    'const result = await later(); return result;',
    'now().match(() => 1, () => 2);',
    'console.log(await promised());',
    'await Promise.resolve(1);',
    'class Ok {} new Ok();',
  ].map(asTestCase),
  invalid: [
    'now();',
    'ok(1);',
    'later();',
    'await later();',
    'void later();',
    'void (await promised());',
    'await promised();',
    'promised();',
    'true && now();',
    'now().map((n) => n + 1);',
  ].map((statement) => ({ ...asTestCase(statement), errors: [{ messageId: 'dropped' }] })),
});
