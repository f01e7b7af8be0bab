import { chmod, mkdir } from 'node:fs/promises';
import { hostname, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Agent } from './agent/agent.ts';
import { Janitor } from './agent/janitor.ts';
import { recordingDriver } from './agent/recording-driver.ts';
import {
  INSTANCE_RECORD_VERSION,
  type InstanceRecord,
  SLOT_RECORD_VERSION,
  type SlotRecord,
} from './agent/records.ts';
import { recover } from './agent/recovery.ts';
import { shapeOf } from './agent/shape-of.ts';
import type { CoreApi, ImageApi, SystemInfo } from './api/core-api.ts';
import { Controller } from './controller/controller.ts';
import { SANDBOX_RECORD_VERSION } from './controller/registry.ts';
import { openChannel } from './guest/channel.ts';
import type { ImageStore } from './image/image-store.ts';
import { createImageStore } from './image/store.ts';
import { adoptInstance, bootInstance } from './instance/boot.ts';
import { acquireLock } from './lock.ts';
import { createLogStore } from './logs/file-log-store.ts';
import { systemClock } from './model/clock.ts';
import { FsbError } from './model/errors.ts';
import { newInstanceId } from './model/ids.ts';
import type { CorePaths } from './model/paths.ts';
import type { PoolPolicy } from './model/pool.ts';
import type { Sandbox } from './model/sandbox.ts';
import { createPool } from './pool/pool.ts';
import { createOciDriver } from './runtime/oci/driver.ts';
import { startServers } from './server/servers.ts';
import { type CoreStatus, removeStatus, writeStatus } from './status-file.ts';
import { openRecordStore } from './store/lmdb-store.ts';
