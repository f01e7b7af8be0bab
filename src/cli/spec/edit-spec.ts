import { type ErrorCode, FsbError } from '../../core/model/failure/errors.ts';
import type { SandboxRef } from '../../core/model/sandbox/sandbox.ts';
import type { SandboxSpecInput } from '../../core/model/sandbox/spec.ts';
import type { Interruption } from '../command/interruption.ts';
import { type Asking, cancelled, confirm } from '../terminal/prompts.ts';
import { tryWrite } from '../terminal/streams.ts';
import type { World } from '../terminal/world.ts';
import { EditText, editFile, isEmpty, lastText } from './edit-text.ts';
import { chooseEditor, openEditor } from './editor.ts';
import { mergeSpecs, type PartialSpec } from './spec-from-flags.ts';
import { asLast, textToEdit } from './text-to-edit.ts';
import { checkSpec, parseSpecText } from './yaml-spec.ts';

export interface EditRequest {
  ref: SandboxRef;
  /** What the flags say; it stands in the text that is opened. */
  flags: PartialSpec;
  /** The configured editor, if there is one. */
  editor: string | undefined;
  /** A line for whoever did not want an editor; above a text that is new. */
  note: string | undefined;
  /** No question before creating. */
  yes: boolean;
  asking: Asking;
  interruption: Interruption;
}

/**
 * Lets the user write the spec in an editor, as often as it takes to be right, and asks before anything is made.
 * @param create refuses a spec for what may be wrong in it, as a pool that is not there: then it is edited again, too
 * @throws cancelled when the user does not want it after all; what else `create` throws. The text stays, and the error says where
 */
export async function editSpec<T>(
  request: EditRequest,
  world: World,
  create: (spec: SandboxSpecInput) => Promise<T>,
): Promise<T> {
  const editor = chooseEditor(world.env, request.editor);
  const file = editFile(world.env, request.ref);
  const last = await lastText(file);
  const opened = await textToEdit(last, request.ref.name, request.flags, request.note);
  const initial = last === undefined ? opened.text : asLast(opened.text, request.ref.name, file);
  const text = await EditText.open(file, initial, last);
  try {
    for (;;) {
      const spec = await editUntilValid(editor, text, opened.over, request, world);
      if (!request.yes) await confirmCreation(spec, text, request);
      try {
        return await create(spec);
      } catch (error) {
        await offerAnotherTry(FsbError.from(error), text, request, world);
      }
    }
  } catch (error) {
    throw await withPlaceOf(text, error);
  } finally {
    await text.forgetIfUntouched();
  }
}

/** Whoever is cancelled was told. */
async function withPlaceOf(text: EditText, error: unknown): Promise<unknown> {
  if (!(error instanceof FsbError) || error.code === 'cancelled') return error;
  if ((await text.read()) === text.initial) return error;
  const hint = [error.hint, keptIn(text)].filter((each) => each !== undefined).join(' ');
  return new FsbError(error.code, error.message, { hint, cause: error });
}

const keptIn = ({ file }: EditText): string => `Your text is kept in ${file}.`;

/** What the core says of a spec that names what is not there, or asks for what cannot be. */
const MAY_BE_MENDED: ReadonlySet<ErrorCode> = new Set(['invalid_argument', 'not_found', 'image_not_found']);

async function editUntilValid(
  editor: string,
  text: EditText,
  over: PartialSpec,
  request: EditRequest,
  world: World,
): Promise<SandboxSpecInput> {
  for (;;) {
    const before = await text.read();
    await request.interruption.whileKeysGoElsewhere(() => openEditor(editor, text.file, world));
    const written = await text.read();
    if (isEmpty(written)) await takeBack(text, before);
    try {
      const parsed = await parseSpecText(written, text.file);
      return await checkSpec(mergeSpecs(parsed.value, over), parsed);
    } catch (error) {
      await offerAnotherTry(FsbError.from(error), text, request, world);
    }
  }
}

/**
 * Whoever empties the text wants out, as in git commit; what stood there before is worth more than nothing.
 * @throws cancelled
 */
async function takeBack(text: EditText, before: string): Promise<never> {
  await text.put(before);
  const hint = before === text.initial ? undefined : keptIn(text);
  throw cancelled(hint, 'nothing was created: the text was left empty');
}

async function offerAnotherTry(
  error: FsbError,
  text: EditText,
  request: EditRequest,
  world: World,
): Promise<void> {
  if (!MAY_BE_MENDED.has(error.code)) throw error;
  const hint = error.hint === undefined ? '' : `Hint: ${error.hint}\n`;
  await tryWrite(world.terminal.stderr, `Error: ${error.message}\n${hint}`);
  await agreement(request.asking, 'Edit it again?', true, text);
}

/** Whoever changed nothing probably wanted out, so then the default is no. */
async function confirmCreation(spec: SandboxSpecInput, text: EditText, request: EditRequest): Promise<void> {
  const changed = (await text.read()) !== text.initial;
  const question = `Create sandbox ${request.ref.name} from image ${spec.image}?`;
  await agreement(request.asking, question, changed, changed ? text : undefined);
}

/**
 * @param typed what stays when there is none; undefined: nothing worth a word
 * @throws cancelled: the answer is no, or ctrl-C
 */
async function agreement(
  asking: Asking,
  question: string,
  byDefault: boolean,
  typed: EditText | undefined,
): Promise<void> {
  const agrees = await confirm(asking, question, byDefault).catch((error: unknown) => {
    if (FsbError.from(error).code === 'cancelled') return false;
    throw error;
  });
  if (!agrees) throw cancelled(typed && keptIn(typed));
}
