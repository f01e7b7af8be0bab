import type { EventImage, Happening, ImageEvent } from '../model/event.ts';

/** Hears of everything that happens to images, in order. Must not throw. */
export type OnHappening = (happening: Happening & { image: EventImage }) => void;

export const happening = (
  { digest, references }: { digest: string; references: readonly string[] },
  event: ImageEvent,
): Happening & { image: EventImage } => ({ image: { digest, names: [...references] }, event });
