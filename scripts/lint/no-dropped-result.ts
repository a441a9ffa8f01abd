import { AST_NODE_TYPES, ESLintUtils, type TSESLint, type TSESTree } from '@typescript-eslint/utils';
import type { Type } from 'typescript';

const RESULT_CLASSES = new Set(['Ok', 'Err', 'ResultAsync']);

const isResult = (type: Type): boolean =>
  (type.isUnion() ? type.types : [type]).some((part) => {
    const symbol = part.getSymbol();
    return (
      symbol !== undefined &&
      RESULT_CLASSES.has(symbol.name) &&
      (symbol.declarations ?? []).some((at) => at.getSourceFile().fileName.includes('/neverthrow/'))
    );
  });

const withoutVoid = (node: TSESTree.Expression): TSESTree.Expression =>
  node.type === AST_NODE_TYPES.UnaryExpression && node.operator === 'void' ? withoutVoid(node.argument) : node;

/**
 * Reports a statement that drops a neverthrow `Result` or `ResultAsync`: an error nobody looks at is an error lost.
 * `void`, `await` and a Promise around it do not hide it.
 */
export const noDroppedResult: TSESLint.RuleModule<'dropped'> = ESLintUtils.RuleCreator.withoutDocs({
  meta: {
    type: 'problem',
    messages: { dropped: 'This Result is dropped, and its error with it. Return it, or handle both of its cases.' },
    schema: [],
  },
  create: (context) => {
    const services = ESLintUtils.getParserServices(context);
    const checker = services.program.getTypeChecker();
    return {
      ExpressionStatement: ({ expression }) => {
        const node = withoutVoid(expression);
        const type = services.getTypeAtLocation(node);
        if (isResult(type) || isResult(checker.getAwaitedType(type) ?? type)) {
          context.report({ node: expression, messageId: 'dropped' });
        }
      },
    };
  },
});
