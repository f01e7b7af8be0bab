/**
 * The Python program that keeps the state of a notebook. A request is a line of JSON on its stdin, `{"code","begin","end"}`.
 * What the code prints goes to stdout and stderr as it is, on both between the two marks, which code of earlier cells
 * cannot know. On stdout a line of JSON follows the second one: `{"value"}`, the repr of the last expression or null,
 * or `{"error"}`, the traceback.
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

def describe(error):
    # What the exception says of itself may be anything; the interpreter knows where it was raised.
    try:
        below = sys.exc_info()[2].tb_next
        return clip(''.join(traceback.format_exception(type(error), error, below)))
    except BaseException:
        return 'the cell raised an exception that cannot be shown'

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
        return {'error': describe(error)}

def write(end, data):
    while data:
        data = data[os.write(end, data):]

cells = 0
for line in requests:
    request = json.loads(line)
    cells += 1
    for end in ends:
        write(end, request['begin'].encode())
    answer = run(request['code'], '<cell %d>' % cells)
    if os.getpid() != own_pid:
        os._exit(0)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass
    mark = request['end'].encode()
    write(ends[1], mark)
    write(ends[0], mark + json.dumps(answer).encode() + b'\\n')
`;
