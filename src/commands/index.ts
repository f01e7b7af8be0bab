import type { CommandTable } from '../cli/program/command-set.ts';
import DaemonStart from './daemon/start.ts';
import DaemonStatus from './daemon/status.ts';
import DaemonStop from './daemon/stop.ts';
import Delete from './delete.ts';
import Doctor from './doctor.ts';
import Exec from './exec.ts';
import Get from './get.ts';
import ImageImport from './image/import.ts';
import ImageList from './image/list.ts';
import ImageRemove from './image/remove.ts';
import List from './list.ts';
import Logs from './logs.ts';
import PoolStatus from './pool/status.ts';
import Run from './run.ts';
import Serve from './serve.ts';
import Version from './version.ts';

/** Every command by its id. A new command is a file beside this one and a line here. */
export const COMMANDS: CommandTable = {
  'daemon:start': DaemonStart,
  'daemon:status': DaemonStatus,
  'daemon:stop': DaemonStop,
  delete: Delete,
  doctor: Doctor,
  exec: Exec,
  get: Get,
  'image:import': ImageImport,
  'image:list': ImageList,
  'image:remove': ImageRemove,
  list: List,
  logs: Logs,
  'pool:status': PoolStatus,
  run: Run,
  serve: Serve,
  version: Version,
};
