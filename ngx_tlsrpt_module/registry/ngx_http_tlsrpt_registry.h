/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Domains that are enrolled at run time, as this nginx knows them: all of them,
 * in memory that its workers share, no more than a few seconds behind Redis.
 * Whoever asks gets copies.
 */

#ifndef NGX_HTTP_TLSRPT_REGISTRY_H
#define NGX_HTTP_TLSRPT_REGISTRY_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_tlsrpt_redis.h"

#pragma GCC visibility push(hidden)

enum {
    NGX_HTTP_TLSRPT_PENDING = 0,
    NGX_HTTP_TLSRPT_ACTIVE,
    NGX_HTTP_TLSRPT_LEAVING,
    NGX_HTTP_TLSRPT_NSTATES
};

extern const ngx_str_t  ngx_http_tlsrpt_states[NGX_HTTP_TLSRPT_NSTATES];

/* One enrolment: of one owner for one domain. */
typedef struct {
    ngx_str_t                      name;    /* of the domain, normalized */
    ngx_str_t                      owner;   /* len 0: the operator's own */
    ngx_str_t                      token;   /* not for the log */
    ngx_uint_t                     state;   /* NGX_HTTP_TLSRPT_... */
    time_t                         proved;  /* when it became active; 0: it is
                                               pending */
} ngx_http_tlsrpt_registered_t;

/* What is served for a domain.  same_as, where its len is not 0, names the
   domain whose policy it is, enrolled or configured, same_owner whose that is,
   and the rest is empty. */
typedef struct {
    ngx_str_t                      text;    /* lines end in CRLF */
    ngx_str_t                      id;
    ngx_uint_t                     mode;    /* MTA_STS_... */
    ngx_str_t                      same_as;
    ngx_str_t                      same_owner;  /* len 0: the operator's */
} ngx_http_tlsrpt_registry_policy_t;

/* How the registry is. */
typedef struct {
    ngx_uint_t                     loaded;  /* all that is in Redis was seen */
    ngx_uint_t                     full;    /* and not all of it fits */
    ngx_uint_t                     domains[NGX_HTTP_TLSRPT_NSTATES];
    size_t                         used;    /* of the zone, bytes */
    size_t                         size;
} ngx_http_tlsrpt_registry_status_t;

/* What tlsrpt_registry sets; zone NULL: it is off. */
typedef struct {
    ngx_shm_zone_t                *zone;
    ngx_str_t                      name;    /* of the zone */
    size_t                         size;
    ngx_str_t                      file;    /* of the dump; NUL ended */
    unsigned                       given:1; /* the directive is there */
    unsigned                       on:1;
} ngx_http_tlsrpt_registry_conf_t;

/*
 * Looking up.  The pool is for the copies.
 *
 *     NGX_OK        *found is there
 *     NGX_DECLINED  there is no such thing; also where the registry is off
 *     NGX_AGAIN     not known here, and perhaps in Redis: the registry is not
 *                   loaded, or not all of it fits: 503 with Retry-After
 *     NGX_ERROR     out of memory
 */

/* The enrolment that holds the domain (normalized): active or leaving. */
ngx_int_t ngx_http_tlsrpt_registry_find(const ngx_str_t *domain,
    ngx_pool_t *pool, ngx_http_tlsrpt_registered_t *found);

/* Does somebody hold it?  0, too, where that is not known. */
ngx_uint_t ngx_http_tlsrpt_registry_holds(const ngx_str_t *domain);

/* The one of this owner for the domain, pending ones too; an owner of len 0 is
   the operator. */
ngx_int_t ngx_http_tlsrpt_registry_owner_has(const ngx_str_t *domain,
    const ngx_str_t *owner, ngx_pool_t *pool,
    ngx_http_tlsrpt_registered_t *found);

/* The one with this token, in any case of its letters; pending ones too.  What
   is compared does not show in the time taken. */
ngx_int_t ngx_http_tlsrpt_registry_by_token(const ngx_str_t *token,
    ngx_pool_t *pool, ngx_http_tlsrpt_registered_t *found);

/* What is served for the domain (normalized).  owner: as same_owner, for who
   follows it: where it has passed to another, NGX_AGAIN, as the follower is
   about to have its own; NULL: whoever has it. */
ngx_int_t ngx_http_tlsrpt_registry_policy(const ngx_str_t *domain,
    const ngx_str_t *owner, ngx_pool_t *pool,
    ngx_http_tlsrpt_registry_policy_t *found);

/*
 * Lists, of ngx_http_tlsrpt_registered_t, sorted by name as
 * ngx_http_tlsrpt_names_order() has it.  NGX_OK or NGX_ERROR.
 */

/* All of an owner, pending ones too.  found is an array that was made. */
ngx_int_t ngx_http_tlsrpt_registry_owned(const ngx_str_t *owner,
    ngx_array_t *found);

/* The next of all domains that somebody holds (active or leaving): names after
   this one, and most of them at most; len 0: from the first. */
ngx_int_t ngx_http_tlsrpt_registry_next(const ngx_str_t *after,
    ngx_uint_t most, ngx_array_t *found);

/* Is it on? */
ngx_uint_t ngx_http_tlsrpt_registry_on(void);

/* Is this worker the one that polls it?  Others need not do what one does. */
ngx_uint_t ngx_http_tlsrpt_registry_polls(void);

/* Is there room for one more enrolment?  Otherwise a PUT is 507. */
ngx_uint_t ngx_http_tlsrpt_registry_has_room(void);

/* NGX_OK; NGX_DECLINED: it is off. */
ngx_int_t ngx_http_tlsrpt_registry_status(
    ngx_http_tlsrpt_registry_status_t *status);

/*
 * The configuration and the worker.
 */

/* The directive: sets the _registry_conf_t at the offset of the command. */
char *ngx_http_tlsrpt_registry(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Once the configuration is read: the zone, the file's place. */
char *ngx_http_tlsrpt_registry_init(ngx_conf_t *cf,
    ngx_http_tlsrpt_registry_conf_t *conf);

/* For init_module: what the dump has, where the zone is new. */
ngx_int_t ngx_http_tlsrpt_registry_open(ngx_cycle_t *cycle,
    ngx_http_tlsrpt_registry_conf_t *conf);

/* Called for each domain that somebody holds, when it is seen, by the worker
   that polls: is it configured, too?  Then it is told in the log. */
typedef ngx_uint_t (*ngx_http_tlsrpt_registry_seen_pt)(const ngx_str_t *domain);

/* Keeps it current, with the start of a worker, to its exit. */
void ngx_http_tlsrpt_registry_begin(ngx_http_tlsrpt_registry_conf_t *conf,
    ngx_http_tlsrpt_redis_t *client, ngx_str_t *prefix,
    ngx_http_tlsrpt_registry_seen_pt seen);
void ngx_http_tlsrpt_registry_end(void);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REGISTRY_H */
