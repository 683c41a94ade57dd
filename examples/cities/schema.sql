-- Where the import writes. On purpose without a unique index: a row that is written twice shows.
create table city (
  n integer not null,
  part integer not null,
  name text not null,
  country text not null,
  lat double precision not null,
  lng double precision not null,
  written_by text not null,
  written_at timestamptz not null default clock_timestamp()
);
create index on city (country);
create table country_statistics (country text not null, cities integer not null, northernmost text not null);
