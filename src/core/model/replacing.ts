/** A part with some methods of another kind; all others are its own, and find it as it is. */
export function replacing<Part extends object>(part: Part, own: Partial<Part>): Part {
  return new Proxy(part, {
    get(target, name) {
      const replaced = own[name as keyof Part];
      if (replaced !== undefined) return replaced;
      const value = Reflect.get(target, name) as unknown;
      // A class with private fields: its methods must be its own.
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
