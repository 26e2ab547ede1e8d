import { BDoc } from '../bson/values.js';
import { collections, indexes } from './collections/collections.js';
import { validate } from './collections/validate.js';
import { command, type CommandTable } from './command.js';
import { aggregate } from './reads/aggregate.js';
import { explain } from './reads/explain.js';
import { reads } from './reads/find.js';
import { listings, statistics } from './reports.js';
import { words } from './schema.js';
import { admin, hello } from './server/admin.js';
import { applyOps } from './writes/apply-ops.js';
import { bulkWrite } from './writes/bulk-write.js';
import { findAndModify } from './writes/find-and-modify.js';
import { writes } from './writes/write-commands.js';

/** Every command there is, by each of its names. A new one is added to the table of its family or here. */
export const COMMANDS: CommandTable = {
  ...{ ...admin, ...statistics, hello, isMaster: hello, ismaster: hello },
  ...{ ...reads, aggregate, explain },
  ...{ ...writes, applyOps, bulkWrite, findAndModify, findandmodify: findAndModify },
  ...{ ...collections, ...indexes, ...listings, validate },
  listCommands: command({ run: listCommands }),
};

function listCommands(): BDoc {
  const shown = Object.entries(COMMANDS).map(([name, { adminOnly = false, writes: changes }]) => {
    const facts = BDoc.of(['requiresAuth', false], ['secondaryOk', !changes], ['adminOnly', adminOnly]);
    return [name, facts] as const;
  });
  return BDoc.of(['commands', BDoc.of(...shown)]);
}

/** Commands of `mongod` 8.0 that this server does not have: they answer 115; invented ones and those of `mongos` 59. */
export const MISSING_COMMANDS: ReadonlySet<string> = new Set(
  words(`abortTransaction analyze authenticate autoCompact cloneCollectionAsCapped commitTransaction compact
  convertToCapped coordinateCommitTransaction createRole createSearchIndexes createUser currentOp dataSize dbHash
  deleteIndexes dropAllRolesFromDatabase dropAllUsersFromDatabase dropConnections dropRole dropSearchIndex dropUser
  features filemd5 flushRouterConfig fsync fsyncUnlock getAuditConfig getClusterParameter getDefaultRWConcern
  getShardMap grantPrivilegesToRole grantRolesToRole grantRolesToUser invalidateUserCache killAllSessionsByPattern
  killOp listSearchIndexes lockInfo logApplicationMessage logRotate logout mapReduce planCacheClear
  planCacheClearFilters planCacheListFilters planCacheSetFilter profile reIndex renameUser replSetAbortPrimaryCatchUp
  replSetFreeze replSetGetConfig replSetInitiate replSetMaintenance replSetReconfig replSetResizeOplog replSetStepDown
  replSetSyncFrom revokePrivilegesFromRole revokeRolesFromRole revokeRolesFromUser rolesInfo rotateCertificates
  saslContinue saslStart setAuditConfig setClusterParameter setDefaultRWConcern setFeatureCompatibilityVersion
  setIndexCommitQuorum setParameter setUserWriteBlockMode shardCollection shardConnPoolStats shardingState shutdown
  top updateRole updateSearchIndex updateUser usersInfo validateDBMetadata`),
);
