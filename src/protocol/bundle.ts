/**
 * Stands in every bundle in which workflows of users were joined with those of lockkeeper, and nowhere else: by it a worker
 * that is given a finished bundle sees that it was made for jobs.
 */
export const MADE_FOR_JOBS = 'lockkeeper: the workflows of jobs are in this bundle';
