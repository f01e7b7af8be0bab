import type { CommandTable } from '../cli/program/command-set.ts';
import Attach from './attach.ts';
import Completion from './completion.ts';
import ConfigGet from './config/get.ts';
import ConfigList from './config/list.ts';
import ConfigSet from './config/set.ts';
import ConfigUnset from './config/unset.ts';
import ContextCreate from './context/create.ts';
import ContextList from './context/list.ts';
import ContextRemove from './context/remove.ts';
import ContextShow from './context/show.ts';
import ContextUpdate from './context/update.ts';
import ContextUse from './context/use.ts';
import Cp from './cp.ts';
import DaemonLogs from './daemon/logs.ts';
import DaemonRestart from './daemon/restart.ts';
import DaemonStart from './daemon/start.ts';
import DaemonStatus from './daemon/status.ts';
import DaemonStop from './daemon/stop.ts';
import Delete from './delete.ts';
import Doctor from './doctor.ts';
import Events from './events.ts';
import Exec from './exec.ts';
import Get from './get.ts';
import ImageHistory from './image/history.ts';
import ImageImport from './image/import.ts';
import ImageInspect from './image/inspect.ts';
import ImageList from './image/list.ts';
import ImagePrune from './image/prune.ts';
import ImagePull from './image/pull.ts';
import ImageRemove from './image/remove.ts';
import ImageSave from './image/save.ts';
import ImageTag from './image/tag.ts';
import Info from './info.ts';
import Kill from './kill.ts';
import List from './list.ts';
import Login from './login.ts';
import Logout from './logout.ts';
import Logs from './logs.ts';
import Pause from './pause.ts';
import PoolCreate from './pool/create.ts';
import PoolDelete from './pool/delete.ts';
import PoolDrain from './pool/drain.ts';
import PoolExec from './pool/exec.ts';
import PoolGet from './pool/get.ts';
import PoolLeases from './pool/leases.ts';
import PoolList from './pool/list.ts';
import PoolRelease from './pool/release.ts';
import PoolRun from './pool/run.ts';
import PoolStart from './pool/start.ts';
import PoolStatus from './pool/status.ts';
import PoolStop from './pool/stop.ts';
import PoolUpdate from './pool/update.ts';
import PortForward from './port-forward.ts';
import Rename from './rename.ts';
import Reset from './reset.ts';
import Restart from './restart.ts';
import Run from './run.ts';
import Serve from './serve.ts';
import Start from './start.ts';
import Stats from './stats.ts';
import Stop from './stop.ts';
import Top from './top.ts';
import Unpause from './unpause.ts';
import Update from './update.ts';
import Version from './version.ts';
import Wait from './wait.ts';

/** Every command by its id. A new command is a file beside this one and a line here. */
export const COMMANDS: CommandTable = {
  attach: Attach,
  completion: Completion,
  'config:get': ConfigGet,
  'config:list': ConfigList,
  'config:set': ConfigSet,
  'config:unset': ConfigUnset,
  'context:create': ContextCreate,
  'context:list': ContextList,
  'context:remove': ContextRemove,
  'context:show': ContextShow,
  'context:update': ContextUpdate,
  'context:use': ContextUse,
  cp: Cp,
  'daemon:logs': DaemonLogs,
  'daemon:restart': DaemonRestart,
  'daemon:start': DaemonStart,
  'daemon:status': DaemonStatus,
  'daemon:stop': DaemonStop,
  delete: Delete,
  doctor: Doctor,
  events: Events,
  exec: Exec,
  get: Get,
  'image:history': ImageHistory,
  'image:import': ImageImport,
  'image:inspect': ImageInspect,
  'image:list': ImageList,
  'image:prune': ImagePrune,
  'image:pull': ImagePull,
  'image:remove': ImageRemove,
  'image:save': ImageSave,
  'image:tag': ImageTag,
  info: Info,
  kill: Kill,
  list: List,
  login: Login,
  logout: Logout,
  logs: Logs,
  pause: Pause,
  'pool:create': PoolCreate,
  'pool:delete': PoolDelete,
  'pool:drain': PoolDrain,
  'pool:exec': PoolExec,
  'pool:get': PoolGet,
  'pool:leases': PoolLeases,
  'pool:list': PoolList,
  'pool:release': PoolRelease,
  'pool:run': PoolRun,
  'pool:start': PoolStart,
  'pool:status': PoolStatus,
  'pool:stop': PoolStop,
  'pool:update': PoolUpdate,
  'port-forward': PortForward,
  rename: Rename,
  reset: Reset,
  restart: Restart,
  run: Run,
  serve: Serve,
  start: Start,
  stats: Stats,
  stop: Stop,
  top: Top,
  unpause: Unpause,
  update: Update,
  version: Version,
  wait: Wait,
};
