/** Every type with a status is searched by it; a rare one (`on-hold`) must not be looked for through the whole type. */
export const STATUS = `
create index resource_status_recent on resource (type, status, last_updated, id)
  where status is not null and not deleted;
`
