/** What must not compile, does not: the compiler is run over the sources with one word taken out. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '../..');
const TABLE = join(ROOT, 'src/http/routes.ts');
const REPLIES = join(ROOT, 'src/http/payment-replies.ts');
const VIEWS = join(ROOT, 'src/domain/reply.ts');

const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)).config,
  ts.sys,
  ROOT,
);
let before: ts.Program | undefined;

/** What the compiler says about a file in which `from` stands as `to`. */
const compile = (file: string, from = '', to = ''): string[] => {
  const host = ts.createCompilerHost(options, true);
  const readSource = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...rest) => {
    if (name !== file) return before?.getSourceFile(name) ?? readSource(name, ...rest);
    const text = ts.sys.readFile(name) ?? '';
    if (!text.includes(from)) throw new Error(`${from} is not in ${file}`);
    return ts.createSourceFile(name, text.replace(from, to), ts.ScriptTarget.ESNext, true);
  };
  const program = ts.createProgram({ rootNames: [TABLE], options, host, ...(before ? { oldProgram: before } : {}) });
  before ??= program;
  return program
    .getSemanticDiagnostics(program.getSourceFile(file))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
};

describe('the table of routes', () => {
  beforeAll(() => {
    compile(TABLE);
  });

  it('compiles as it is', () => {
    expect([...compile(TABLE), ...compile(REPLIES), ...compile(VIEWS)]).toEqual([]);
  });

  it('does not compile where a code that its handler can answer is off its list', () => {
    const [said] = compile(TABLE, "errors: ['webhook_endpoint_limit']", 'errors: []');
    expect(said).toContain('"webhook_endpoint_limit"');
    const [ofCharge] = compile(TABLE, "'payment_not_confirmable', 'too_many_attempts'", "'too_many_attempts'");
    expect(ofCharge).toContain('"payment_not_confirmable"');
  });

  it('does not compile where a handler answers with something other than its reply', () => {
    const [said] = compile(TABLE, 'reply: [201, gives.customer]', 'reply: [201, gives.item]');
    expect(said).toContain('ItemView');
  });

  it('does not compile where a field is off the schema of a reply, or off what is made of it', () => {
    expect(compile(REPLIES, '  amount_captured: minor,\n')[0]).toContain('amount_captured');
    expect(compile(VIEWS, '  amount_captured: Number(payment.amountCaptured),\n')[0]).toContain('amount_captured');
  });
});

describe('the description of a table', () => {
  const PAYMENTS = join(ROOT, 'src/storage/tables/payments.ts');

  it('does not compile where a field stands in the column of another, or in none', () => {
    const swapped = "reference: changing(orNull(text()), { as: 'description' })";
    expect(compile(PAYMENTS, 'reference: changing(orNull(text()))', swapped)[0]).toContain('"description"');
    const elsewhere = "customer: once(id('cus'), { as: 'merchant_id' })";
    expect(compile(PAYMENTS, "customer: once(id('cus'))", elsewhere)[0]).toContain('"merchant_id"');
    expect(compile(PAYMENTS, '    reference: changing(orNull(text())),\n')[0]).toContain('reference');
  });

  it('does not compile where a column is read as what it may not hold', () => {
    expect(compile(PAYMENTS, 'intent: later(orNull(text()))', 'intent: later(text())')).not.toEqual([]);
    expect(compile(PAYMENTS, "customer: once(id('cus')", "customer: once(id('mer')")).not.toEqual([]);
  });
});
