import * as admin from './admin.js';
import { aggregate } from './aggregate.js';
import { applyOps } from './apply-ops.js';
import { bulkWrite } from './bulk-write.js';
import * as collections from './collections.js';
import type { Command } from './context.js';
import { count, distinct } from './count-distinct.js';
import { deleteCommand } from './delete.js';
import { explain } from './explain.js';
import { findAndModify } from './find-and-modify.js';
import * as reads from './find.js';
import { hello } from './hello.js';
import * as indexes from './indexes.js';
import { insert } from './insert.js';
import { listCollections, listCommandsOf, listDatabases } from './listings.js';
import * as sessions from './sessions.js';
import * as statistics from './statistics.js';
import { update } from './update.js';
import { validate } from './validate.js';

/** Every command there is. A new one is added here and in no other place. */
const COMMANDS: Command[] = [
  admin.ping,
  admin.buildInfo,
  admin.hostInfo,
  admin.getLog,
  admin.getCmdLineOpts,
  admin.connectionStatus,
  admin.whatsmyuri,
  admin.getParameter,
  admin.replSetGetStatus,
  admin.replSetGetConfig,
  admin.configureFailPoint,
  aggregate,
  applyOps,
  bulkWrite,
  collections.create,
  collections.drop,
  collections.dropDatabase,
  collections.renameCollection,
  collections.collMod,
  count,
  distinct,
  deleteCommand,
  explain,
  findAndModify,
  reads.find,
  reads.getMore,
  reads.killCursors,
  hello,
  indexes.createIndexes,
  indexes.listIndexes,
  indexes.dropIndexes,
  insert,
  listCollections,
  listDatabases,
  listCommandsOf(() => COMMANDS),
  sessions.startSession,
  sessions.refreshSessions,
  sessions.endSessions,
  sessions.killSessions,
  statistics.collStats,
  statistics.dbStats,
  statistics.serverStatus,
  update,
  validate,
];

const BY_NAME = new Map<string, Command>();
for (const command of COMMANDS)
  for (const name of [command.name, ...(command.aliases ?? [])]) BY_NAME.set(name, command);

export function findCommand(name: string): Command | undefined {
  return BY_NAME.get(name);
}

/** Commands of MongoDB 8.0 that this server does not have: they answer 115, an invented name answers 59. */
export const MISSING_COMMANDS: ReadonlySet<string> = new Set(
  `abortTransaction addShard analyze authenticate autoCompact balancerStart balancerStatus balancerStop
  cloneCollectionAsCapped commitTransaction compact convertToCapped coordinateCommitTransaction createRole
  createSearchIndexes createUser currentOp dataSize dbHash dropAllRolesFromDatabase dropAllUsersFromDatabase
  dropConnections dropRole dropSearchIndex dropUser enableSharding features filemd5 flushRouterConfig fsync
  fsyncUnlock getAuditConfig getClusterParameter getDefaultRWConcern getShardMap grantPrivilegesToRole
  grantRolesToRole grantRolesToUser invalidateUserCache isdbgrid killOp listSearchIndexes listShards
  lockInfo logApplicationMessage logRotate logout mapReduce moveChunk movePrimary
  netstat planCacheClear planCacheClearFilters planCacheListFilters planCacheSetFilter profile reIndex refineCollectionShardKey
  removeShard renameUser replSetAbortPrimaryCatchUp replSetFreeze replSetInitiate replSetMaintenance replSetReconfig
  replSetResizeOplog replSetStepDown replSetSyncFrom reshardCollection revokePrivilegesFromRole revokeRolesFromRole
  revokeRolesFromUser rolesInfo rotateCertificates saslContinue saslStart setAuditConfig setClusterParameter
  setDefaultRWConcern setFeatureCompatibilityVersion setIndexCommitQuorum setParameter setUserWriteBlockMode
  shardCollection shardConnPoolStats shardingState shutdown split top transitionFromDedicatedConfigServer
  updateRole updateSearchIndex updateUser usersInfo validateDBMetadata`.split(/\s+/),
);
