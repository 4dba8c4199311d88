/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The memory that the workers share.  A domain is found in a hash, and what it
 * serves is beside it or one step away: which domain is asked for cannot be
 * foreseen, so that what counts is how few places of the memory an answer is
 * in.  A tree of all names is for lists.
 */

#ifndef NGX_HTTP_TLSRPT_REGISTRY_ZONE_H
#define NGX_HTTP_TLSRPT_REGISTRY_ZONE_H

#include "ngx_http_tlsrpt_registry.h"
#include "tlsrpt_collect.h"
#include "tlsrpt_hash.h"

#pragma GCC visibility push(hidden)

#define NGX_HTTP_TLSRPT_EPOCH_LEN   64      /* at most */
#define NGX_HTTP_TLSRPT_OWNER_LEN   128
#define NGX_HTTP_TLSRPT_TOKEN_LEN   128
#define NGX_HTTP_TLSRPT_CLAIMS      257     /* of a domain: 256 wait for it */
#define NGX_HTTP_TLSRPT_VANISHED    86400   /* seconds served on */
#define NGX_HTTP_TLSRPT_SAME_AS     255     /* as a mode: the text names another
                                               domain */

typedef struct ngx_http_tlsrpt_text_s   ngx_http_tlsrpt_text_t;
typedef struct ngx_http_tlsrpt_owner_s  ngx_http_tlsrpt_owner_t;
typedef struct ngx_http_tlsrpt_claim_s  ngx_http_tlsrpt_claim_t;
typedef struct ngx_http_tlsrpt_entry_s  ngx_http_tlsrpt_entry_t;

/* What is served, once for all domains that have the same. */
struct ngx_http_tlsrpt_text_s {
    ngx_http_tlsrpt_text_t        *next;    /* of its bucket */
    uint32_t                       hash;
    uint32_t                       refs;
    uint32_t                       len;
    u_char                         id_len;
    u_char                         mode;    /* MTA_STS_..., or _SAME_AS */
    u_char                         data[];  /* text, id; or a name, owner */
};

struct ngx_http_tlsrpt_owner_s {
    ngx_http_tlsrpt_owner_t       *next;
    ngx_http_tlsrpt_claim_t       *claims;
    uint32_t                       hash;
    uint32_t                       nclaims;
    u_char                         len;
    u_char                         name[];
};

/* An enrolment. */
struct ngx_http_tlsrpt_claim_s {
    ngx_http_tlsrpt_claim_t       *next_token;  /* of its bucket */
    ngx_http_tlsrpt_claim_t       *next;    /* of its domain */
    ngx_http_tlsrpt_claim_t       *next_owned;
    ngx_http_tlsrpt_claim_t      **prev_owned;
    ngx_http_tlsrpt_owner_t       *owner;   /* NULL: the operator */
    ngx_http_tlsrpt_entry_t       *entry;
    time_t                         proved;
    uint32_t                       hash;    /* of the token */
    u_char                         state;
    u_char                         len;
    u_char                         token[];
};

/* A domain. */
struct ngx_http_tlsrpt_entry_s {
    ngx_http_tlsrpt_entry_t       *next;    /* of its bucket */
    ngx_http_tlsrpt_text_t        *text;    /* NULL: no policy */
    time_t                         until;   /* it is served, or has left then;
                                               0: without end */
    time_t                         vanished;    /* gone from Redis, and served
                                                   until then; 0: it is there */
    ngx_http_tlsrpt_claim_t       *claims;  /* first the one that holds it */
    uint64_t                       version;
    uint32_t                       hash;
    uint32_t                       generation;
    ngx_rbtree_node_t              node;    /* key: the name's first bytes */
    u_char                         len;
    u_char                         name[];
};

typedef struct {
    void                         **buckets;
    ngx_uint_t                     mask;
} ngx_http_tlsrpt_table_t;

typedef struct {
    uint64_t                       seed;
    ngx_http_tlsrpt_table_t        names;   /* of _entry_t */
    ngx_http_tlsrpt_table_t        tokens;  /* of _claim_t */
    ngx_http_tlsrpt_table_t        texts;
    ngx_http_tlsrpt_table_t        owners;
    ngx_rbtree_t                   tree;    /* of _entry_t */
    ngx_rbtree_node_t              sentinel;
    ngx_uint_t                     domains[NGX_HTTP_TLSRPT_NSTATES];

    u_char                         epoch[NGX_HTTP_TLSRPT_EPOCH_LEN];
    size_t                         epoch_len;   /* 0: nothing was seen yet */
    uint64_t                       version; /* up to which all was seen */
    uint32_t                       generation;  /* of what is loaded whole */
    ngx_uint_t                     changes; /* so far */
    time_t                         synced;  /* when it was all there, last */

    time_t                         ahead;   /* Redis's clock, of this host's */

    ngx_pid_t                      poller;  /* which worker polls, */
    time_t                         lease;   /* and until when alone */

    unsigned                       opened:1;    /* the dump was looked for */
    unsigned                       loaded:1;
    unsigned                       loading:1;   /* whole */
    unsigned                       full:1;
    unsigned                       missed:1;    /* something, since loading
                                                   whole began */
    unsigned                       freed:1; /* something, since it was full */
} ngx_http_tlsrpt_registry_sh_t;

typedef struct {
    ngx_http_tlsrpt_registry_sh_t *sh;
    ngx_slab_pool_t               *shpool;
    size_t                         size;
} ngx_http_tlsrpt_registry_zone_t;

/* NULL: the registry is off. */
extern ngx_http_tlsrpt_registry_zone_t  *ngx_http_tlsrpt_zone;

/* A domain as it comes from Redis or from the dump; borrowed. */
typedef struct {
    ngx_str_t                      owner;
    ngx_str_t                      token;
    ngx_uint_t                     state;
    time_t                         proved;
} ngx_http_tlsrpt_row_claim_t;

typedef struct {
    ngx_str_t                      name;
    uint64_t                       version;
    time_t                         until;
    time_t                         vanished;
    ngx_str_t                      text;    /* len 0: no policy; a name, where
                                               mode is _SAME_AS */
    ngx_str_t                      id;      /* then whose it was */
    ngx_uint_t                     mode;
    ngx_uint_t                     nclaims; /* 0: nobody's any more */
    ngx_uint_t                     withdrawn;   /* then: by who waited for it,
                                               so nobody left it */
    ngx_http_tlsrpt_row_claim_t    claims[NGX_HTTP_TLSRPT_CLAIMS];
} ngx_http_tlsrpt_row_t;

/* For the zone: what is there at a reload stays. */
ngx_int_t ngx_http_tlsrpt_zone_init(ngx_shm_zone_t *shm_zone, void *data);

static ngx_inline void
ngx_http_tlsrpt_zone_lock(void)
{
    ngx_shmtx_lock(&ngx_http_tlsrpt_zone->shpool->mutex);
}

static ngx_inline void
ngx_http_tlsrpt_zone_unlock(void)
{
    ngx_shmtx_unlock(&ngx_http_tlsrpt_zone->shpool->mutex);
}

/* The time by which a policy is kept and a domain leaves: the same on all
   hosts, so Redis's, as it was when it was asked last.  What lies between two
   times of this host alone (the lease, the day for what has vanished, the age
   of a dump) goes by its own clock. */

static ngx_inline time_t
ngx_http_tlsrpt_zone_now(void)
{
    return ngx_time() + ngx_http_tlsrpt_zone->sh->ahead;
}

/* The hash of a name.  No lock is needed. */

static ngx_inline uint32_t
ngx_http_tlsrpt_zone_hash(const u_char *name, size_t len)
{
    return (uint32_t) tlsrpt_hash(ngx_http_tlsrpt_zone->sh->seed, name, len);
}

/*
 * All below is called with the lock held.
 */

/* NULL: there is none. */
ngx_http_tlsrpt_entry_t *ngx_http_tlsrpt_zone_find(const ngx_str_t *name,
    uint32_t hash);
ngx_http_tlsrpt_owner_t *ngx_http_tlsrpt_zone_owner(const ngx_str_t *name);
ngx_http_tlsrpt_claim_t *ngx_http_tlsrpt_zone_token(const ngx_str_t *token);

/* The first entry after the name, in the order of names; NULL: no more. */
ngx_http_tlsrpt_entry_t *ngx_http_tlsrpt_zone_after(const ngx_str_t *name);
ngx_http_tlsrpt_entry_t *ngx_http_tlsrpt_zone_next(
    ngx_http_tlsrpt_entry_t *entry);

/* Takes the row in place of what is there, unless that is newer.  Who held a
   domain that has vanished holds it on, until another does: the row then has
   that one, too.  NGX_OK; NGX_ERROR: there is no room, and what was there is
   there still. */
ngx_int_t ngx_http_tlsrpt_zone_put(ngx_http_tlsrpt_row_t *row);

void ngx_http_tlsrpt_zone_remove(ngx_http_tlsrpt_entry_t *entry);
/* It was served on for long enough: those that wait are left. */
void ngx_http_tlsrpt_zone_end(ngx_http_tlsrpt_entry_t *entry);

/* Not vanished for more than a day? */

static ngx_inline ngx_uint_t
ngx_http_tlsrpt_zone_live(ngx_http_tlsrpt_entry_t *entry)
{
    return entry->vanished == 0 || entry->vanished > ngx_time();
}

/* And, where it is the one that holds the domain, has it not left, although
   nobody has taken it away in Redis yet? */

static ngx_inline ngx_uint_t
ngx_http_tlsrpt_zone_counts(ngx_http_tlsrpt_claim_t *claim)
{
    return ngx_http_tlsrpt_zone_live(claim->entry)
           && (claim->state != NGX_HTTP_TLSRPT_LEAVING
               || claim->entry->until > ngx_http_tlsrpt_zone_now());
}

/* Is the domain held by somebody? */

static ngx_inline ngx_uint_t
ngx_http_tlsrpt_zone_held(ngx_http_tlsrpt_entry_t *entry)
{
    return entry->claims->state != NGX_HTTP_TLSRPT_PENDING
           && ngx_http_tlsrpt_zone_counts(entry->claims);
}

/* For those who change it: the bucket of a hash; the key of a name in the tree;
   a token in lower case, and its length (0: too long). */
void **ngx_http_tlsrpt_zone_bucket(ngx_http_tlsrpt_table_t *table,
    uint32_t hash);
ngx_rbtree_key_t ngx_http_tlsrpt_zone_key(const u_char *name, size_t len);
size_t ngx_http_tlsrpt_zone_lower(u_char *lower, const ngx_str_t *token);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REGISTRY_ZONE_H */
