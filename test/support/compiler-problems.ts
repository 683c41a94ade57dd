import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** What the compiler finds in one file, with the project's options. */
export function compilerProblems(file: string): string[] {
  const configFile = fileURLToPath(new URL('../../tsconfig.json', import.meta.url));
  const config = ts.parseJsonConfigFileContent(
    ts.readConfigFile(configFile, (path) => ts.sys.readFile(path)).config,
    ts.sys,
    fileURLToPath(new URL('../..', import.meta.url)),
  );
  const program = ts.createProgram([file], config.options);
  const source = program.getSourceFile(file);
  const problems = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  return problems.map((problem) => ts.flattenDiagnosticMessageText(problem.messageText, '\n'));
}
