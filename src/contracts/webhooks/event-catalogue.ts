/** An event type that Holdfast registers at its first start. */
export interface CatalogueEventType {
  name: string;
  groupName: string;
  description: string;
  /** Version "1", draft 2020-12, with one example. */
  schema: Record<string, unknown>;
}

/** Raised when types are added; a start registers what a lower version did not have. */
export const CATALOGUE_VERSION = 1;

const text = { type: 'string' };
const time = { type: 'string', format: 'date-time' };
/** Decimal as text, so that no reader rounds it. */
const quantity = { type: 'string', pattern: '^-?[0-9]+(\\.[0-9]+)?$' };
const priority = { enum: ['low', 'medium', 'high', 'urgent'] };

// Only what names the subject is required: producers add members as they like.
function eventType(
  name: string,
  description: string,
  properties: Record<string, unknown>,
  required: string[],
  example: Record<string, unknown>,
): CatalogueEventType {
  const schema = { title: name, type: 'object', properties, required, examples: [example] };
  return { name, groupName: name.slice(0, name.indexOf('.')), description, schema };
}

const workOrder = { id: text, title: text, assetId: text, priority, status: text, assignedTo: text };
const equipment = { id: text, name: text, status: text, previousStatus: text, at: time };
const stock = { partId: text, partName: text, location: text, onHand: quantity };
const visit = { id: text, assetId: text, plan: text, dueAt: time };
const reorder = { partId: text, orderId: text, quantity, supplier: text };

/** The 14 types of computerised maintenance that come with Holdfast. */
export const EVENT_CATALOGUE: readonly CatalogueEventType[] = [
  eventType('work_order.created', 'A work order was created.', { ...workOrder, createdAt: time }, ['id'], {
    id: 'WO-1042',
    title: 'Replace seal of pump P-101',
    assetId: 'P-101',
    priority: 'high',
    status: 'open',
    createdAt: '2026-11-21T08:30:00Z',
  }),
  eventType(
    'work_order.updated',
    'A work order was changed.',
    { ...workOrder, changed: { type: 'array', items: text } },
    ['id'],
    { id: 'WO-1042', status: 'in_progress', assignedTo: 'r.meyer', changed: ['status', 'assignedTo'] },
  ),
  eventType(
    'work_order.completed',
    'A work order was completed.',
    { ...workOrder, completedAt: time, hours: quantity },
    ['id'],
    { id: 'WO-1042', status: 'completed', completedAt: '2026-11-21T14:05:00Z', hours: '2.5' },
  ),
  eventType(
    'work_order.escalated',
    'A work order was escalated.',
    { ...workOrder, level: { type: 'integer', minimum: 1 }, reason: text },
    ['id'],
    { id: 'WO-1042', priority: 'urgent', level: 2, reason: 'not started 4 hours after its due time' },
  ),
  eventType(
    'equipment.status_changed',
    'The operating status of equipment changed.',
    equipment,
    ['id', 'status'],
    {
      id: 'P-101',
      name: 'Pump P-101',
      previousStatus: 'running',
      status: 'down',
      at: '2026-11-21T08:12:00Z',
    },
  ),
  eventType('equipment.updated', 'The record of equipment was changed.', equipment, ['id'], {
    id: 'P-101',
    name: 'Feed pump P-101',
  }),
  eventType(
    'inventory.low_stock',
    'The stock of a part fell to its reorder point.',
    { ...stock, reorderPoint: quantity },
    ['partId'],
    { partId: 'SEAL-40', location: 'Store A', onHand: '2', reorderPoint: '5' },
  ),
  eventType(
    'inventory.consumed',
    'Parts were taken from stock.',
    { ...stock, quantity, workOrderId: text },
    ['partId'],
    { partId: 'SEAL-40', location: 'Store A', quantity: '1', onHand: '2', workOrderId: 'WO-1042' },
  ),
  eventType('inventory.updated', 'The stock record of a part was changed.', stock, ['partId'], {
    partId: 'SEAL-40',
    location: 'Store A',
    onHand: '12',
  }),
  eventType('maintenance.scheduled', 'Planned maintenance was scheduled.', visit, ['id'], {
    id: 'PM-77',
    assetId: 'P-101',
    plan: 'quarterly inspection',
    dueAt: '2026-12-01T06:00:00Z',
  }),
  eventType(
    'maintenance.completed',
    'Planned maintenance was completed.',
    { ...visit, completedAt: time },
    ['id'],
    { id: 'PM-77', assetId: 'P-101', completedAt: '2026-12-01T09:40:00Z' },
  ),
  eventType(
    'maintenance.overdue',
    'Planned maintenance passed its due time.',
    { ...visit, overdueHours: quantity },
    ['id'],
    { id: 'PM-77', assetId: 'P-101', dueAt: '2026-12-01T06:00:00Z', overdueHours: '24' },
  ),
  eventType('part.reorder_requested', 'The reorder of a part was requested.', reorder, ['partId'], {
    partId: 'SEAL-40',
    quantity: '20',
    supplier: 'Sealing Ltd',
  }),
  eventType('part.reorder_received', 'A reordered part arrived.', reorder, ['partId'], {
    partId: 'SEAL-40',
    orderId: 'PO-311',
    quantity: '20',
  }),
];
