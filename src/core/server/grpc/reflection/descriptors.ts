import { type DescribedFile, describedFiles } from '../../../wire/gen/descriptors.ts';

const byName = new Map(describedFiles.map((file) => [file.name, file]));
const bySymbol = new Map(
  describedFiles.flatMap((file) => file.symbols.map((symbol): [string, DescribedFile] => [symbol, file])),
);

/** Whether a message, an enum, a service or a method has this full name. */
export const isSymbol = (symbol: string): boolean => bySymbol.has(symbol);

/** FileDescriptorProtos: of the file, and of all that it needs. Undefined: there is no such file. */
export const describedByName = (name: string): Buffer[] | undefined => withDependencies(byName.get(name));

/** The same of the file that defines it. */
export const describedBySymbol = (symbol: string): Buffer[] | undefined =>
  withDependencies(bySymbol.get(symbol));

function withDependencies(file: DescribedFile | undefined): Buffer[] | undefined {
  if (file === undefined) return undefined;
  const found = new Set([file]);
  for (const { dependencies } of found) for (const name of dependencies) found.add(byName.get(name)!);
  return [...found].map(({ bytes }) => Buffer.from(bytes, 'base64'));
}
