create table if not exists imported_city (
  import text not null,
  name text not null
);
