/**
 * The Python program that keeps the state of a notebook. A request is a line of JSON on its stdin, `{"code","mark"}`.
 * What the code prints goes to stdout and stderr as it is; then the mark, which the code cannot know beforehand, ends
 * the output of the cell on both. On stdout a line of JSON follows it: `{"value"}`, the repr of the last expression or
 * null, or `{"error"}`, the traceback.
 *
 * The code finds its standard input empty. Its end, and that of its children, is the end of the requests.
 */
export const kernelProgram = `
import ast, json, linecache, os, sys, traceback, types

LONGEST_VALUE = 1024 * 1024
requests = os.fdopen(os.dup(0), 'rb')
ends = [os.dup(1), os.dup(2)]
nothing = os.open(os.devnull, os.O_RDONLY)
os.dup2(nothing, 0)
os.close(nothing)
own_pid = os.getpid()
main = types.ModuleType('__main__')
sys.modules['__main__'] = main
sys.argv = ['']

def clip(text):
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + '...'

def run(code, name):
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    try:
        tree = ast.parse(code, name)
    except BaseException as error:
        return {'error': clip(''.join(traceback.format_exception_only(type(error), error)))}
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    try:
        exec(compile(tree, name, 'exec', dont_inherit=True), main.__dict__)
        if last is None:
            return {'value': None}
        value = eval(compile(ast.Expression(last.value), name, 'eval', dont_inherit=True), main.__dict__)
        return {'value': None if value is None else clip(repr(value))}
    except BaseException as error:
        below = error.__traceback__.tb_next
        return {'error': clip(''.join(traceback.format_exception(type(error), error, below)))}

def write(end, data):
    while data:
        data = data[os.write(end, data):]

cells = 0
for line in requests:
    request = json.loads(line)
    cells += 1
    answer = run(request['code'], '<cell %d>' % cells)
    if os.getpid() != own_pid:
        os._exit(0)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass
    mark = request['mark'].encode()
    write(ends[1], mark)
    write(ends[0], mark + json.dumps(answer).encode() + b'\\n')
`;
