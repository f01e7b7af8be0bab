/** Names of the Python interpreter, the one to prefer first. */
export const PYTHON = ['python3', 'python'];
