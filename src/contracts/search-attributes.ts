import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);

/** Search attributes of all workflows. SQL visibility allows few of a type, so capabilities share them. */
export const JOB_KIND = keyword('JobKind');
/** The tenant, e.g. an application id. */
export const TENANT_ID = keyword('TenantId');
export const ENDPOINT_ID = keyword('EndpointId');
/** `waiting` while it runs, then how it ended. */
export const OUTCOME = keyword('Outcome');
/** The reporting period of a run, e.g. `2026-11`. */
export const PERIOD = keyword('Period');

export const SEARCH_ATTRIBUTES = [JOB_KIND, TENANT_ID, ENDPOINT_ID, OUTCOME, PERIOD];
