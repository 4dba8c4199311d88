/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "tlsrpt_commit.h"
#include "tlsrpt_due.h"
#include "tlsrpt_ingest.h"
#include "tlsrpt_key.h"
#include "tlsrpt_problems.h"
#include "tlsrpt_reckoning.h"
#include "tlsrpt_state.h"
#include "tlsrpt_time.h"
#include "tlsrpt_transition.h"


#define TRIES       3                       /* where others are first */
#define FIELD_LEN   24
#define NEWER_AFTER TLSRPT_DUE_HOLD         /* seconds */

/* What the next command is.  The domain gets into the indexes of events before
   it has them, so that none is ever missed; and into that of open problems
   after it, so that the last word is that of what was written last. */
enum {
    ASK_STATE = 0,
    ASK_DOMAIN,
    ASK_REPORTS,
    INDEX_UNTOLD,
    INDEX_EVENTS,
    COMMIT,
    INDEX_UNTOLD_AGAIN,
    INDEX_OPEN,
    RELEASE,
    DONE
};

struct tlsrpt_reckoning {
    tlsrpt_str_t         prefix;            /* copies, behind the struct */
    tlsrpt_str_t         domain;
    tlsrpt_str_t         score;
    mta_sts_policy_t     served;
    int                  is_served;
    unsigned             retention_days;
    int64_t              now;

    int                  step;
    unsigned             tries;
    int                  newer;
    unsigned             nevents;
    int64_t              next;              /* seconds, or 0 */

    /* As it was read */

    tlsrpt_state_t       state;
    char                 was[TLSRPT_COMMIT_SHA1 + 1];   /* "": no state */
    char                 mark[FIELD_LEN];   /* "": none */
    char                 late[FIELD_LEN];
    char                 struck[FIELD_LEN];
    int                  has_data;
    tlsrpt_lookup_t     *lookup;
    size_t               number;            /* of its command */

    tlsrpt_transition_t  transition;
    char                 new_mark[FIELD_LEN];

    tlsrpt_key_read_t    read;
    tlsrpt_command_t    *command;
};


tlsrpt_reckoning_t *
tlsrpt_reckoning_create(tlsrpt_str_t prefix, tlsrpt_str_t domain,
    const mta_sts_policy_t *served, unsigned retention_days, int64_t now,
    tlsrpt_str_t score)
{
    char                *p;
    tlsrpt_reckoning_t  *r;

    r = calloc(1, sizeof(*r) + prefix.len + domain.len + score.len + 3);

    if (r == NULL) {
        return NULL;
    }

    p = (char *) (r + 1);
    r->prefix = tlsrpt_str_copy(&p, prefix);
    r->domain = tlsrpt_str_copy(&p, domain);
    r->score = tlsrpt_str_copy(&p, score);
    r->retention_days = retention_days;
    r->now = now;

    if (served != NULL) {
        r->served = *served;
        r->is_served = 1;
    }

    return r;
}


/* What was read and made of it. */

static void
forget(tlsrpt_reckoning_t *r)
{
    if (r->lookup != NULL) {
        r->lookup->type->destroy(r->lookup);
        r->lookup = NULL;
    }

    tlsrpt_transition_free(&r->transition);
    memset(&r->transition, 0, sizeof(r->transition));
    tlsrpt_state_free(&r->state);
    tlsrpt_command_destroy(r->command);
    r->command = NULL;
}


void
tlsrpt_reckoning_destroy(tlsrpt_reckoning_t *r)
{
    if (r != NULL) {
        forget(r);
        free(r);
    }
}


int
tlsrpt_reckoning_newer(const tlsrpt_reckoning_t *r)
{
    return r->newer;
}


unsigned
tlsrpt_reckoning_nevents(const tlsrpt_reckoning_t *r)
{
    return r->nevents;
}


/*
 * What there is: the state, its mark, then the reports
 */

static int
take_state(tlsrpt_reckoning_t *r, const tlsrpt_reply_t *reply)
{
    unsigned char  digest[SHA_DIGEST_LENGTH];

    r->was[0] = '\0';

    if (reply->type == TLSRPT_REPLY_STRING) {
        SHA1((const unsigned char *) reply->str, reply->len, digest);

        for (size_t i = 0; i < sizeof(digest); i++) {
            snprintf(r->was + 2 * i, 3, "%02x", digest[i]);
        }
    }

    r->step = ASK_DOMAIN;

    return tlsrpt_state_read(reply, &r->state);
}


/* A field that is too long is none that anybody wrote: it is not there, and
   nothing can be written beside it. */

static void
take_field(const tlsrpt_reply_t *value, char field[FIELD_LEN])
{
    field[0] = '\0';

    if (value->type == TLSRPT_REPLY_STRING && value->len < FIELD_LEN) {
        memcpy(field, value->str, value->len);
        field[value->len] = '\0';
    }
}


static int
begin_reports(tlsrpt_reckoning_t *r)
{
    tlsrpt_query_t  query;

    tlsrpt_query_init(&query, r->now);
    tlsrpt_query_retain(&query, r->retention_days);

    r->lookup = tlsrpt_problems_follow(&query, r->domain, r->prefix,
                                       r->is_served ? &r->served : NULL,
                                       r->now, r->state.json);
    r->step = ASK_REPORTS;

    return r->lookup != NULL ? 0 : -1;
}


/* HMGET all, p, l, w. */

static int
take_domain(tlsrpt_reckoning_t *r, const tlsrpt_reply_t *reply)
{
    unsigned  rules, open;

    if (reply->type != TLSRPT_REPLY_ARRAY || reply->nelements != 4) {
        return -1;
    }

    r->has_data = reply->elements[0]->type == TLSRPT_REPLY_STRING;
    take_field(reply->elements[1], r->mark);
    take_field(reply->elements[2], r->late);
    take_field(reply->elements[3], r->struck);

    if (r->state.newer
        || (tlsrpt_state_mark(reply->elements[1], &rules, &open) == 0
            && rules > TLSRPT_STATE_RULES))
    {
        r->newer = 1;
        r->next = NEWER_AFTER;
        r->step = RELEASE;
        return 0;
    }

    return begin_reports(r);
}


/*
 * What becomes of it
 */

/* Is what is open not news?  The data are older than states, or the state is of
   older rules, gone, or broken; or an import brought them. */

static int
is_quiet(const tlsrpt_reckoning_t *r)
{
    unsigned        rules, open;
    tlsrpt_reply_t  mark = { TLSRPT_REPLY_STRING, 0, r->mark, strlen(r->mark),
                             0, NULL };

    if (r->late[0] != '\0') {
        return 1;
    }

    if (r->state.rules != 0) {
        return r->state.rules < TLSRPT_STATE_RULES;
    }

    if (!r->has_data && r->was[0] == '\0') {
        return 0;                           /* only a check can have come */
    }

    return tlsrpt_state_mark(&mark, &rules, &open) != 0
           || rules < TLSRPT_STATE_RULES || open > 0 || r->was[0] != '\0';
}


/* Nothing is kept, and nothing is to be. */

static int
is_settled(const tlsrpt_reckoning_t *r)
{
    return r->was[0] == '\0' && r->late[0] == '\0' && r->struck[0] == '\0'
           && r->transition.state == NULL
           && json_array_size(r->transition.events) == 0
           && (strcmp(r->mark, r->new_mark) == 0 || !r->has_data);
}


/* Was something struck out, "s", or that taken back, "r"?  As strike.lua writes
   it: "b" is both. */

static int
has_struck(const tlsrpt_reckoning_t *r, char how)
{
    const size_t  len = strlen(r->struck);

    return len && (r->struck[len - 1] == how || r->struck[len - 1] == 'b');
}


static int
follow(tlsrpt_reckoning_t *r)
{
    tlsrpt_found_t   found;
    tlsrpt_follow_t  how = { r->now, is_quiet(r), r->late[0] != '\0',
                             has_struck(r, 's'), has_struck(r, 'r') };

    if (tlsrpt_problems_found(r->lookup, &found) != 0
        || tlsrpt_transition(found.evidence, found.list, found.n,
                             r->state.json, &how, &r->transition) != 0)
    {
        return -1;
    }

    snprintf(r->new_mark, FIELD_LEN, "%d %u", TLSRPT_STATE_RULES,
             r->transition.open);
    r->next = r->transition.next;
    r->step = is_settled(r) ? INDEX_OPEN
              : json_array_size(r->transition.events) ? INDEX_UNTOLD : COMMIT;

    return 0;
}


/*
 * Commands
 */

static tlsrpt_str_t
text(const char *s)
{
    tlsrpt_str_t  result = { s, strlen(s) };

    return result;
}


static tlsrpt_command_t *
commit(const tlsrpt_reckoning_t *r)
{
    tlsrpt_buf_t       state = { NULL, 0, 0, 0 };
    tlsrpt_commit_t    c;
    tlsrpt_command_t  *command = NULL;

    memset(&c, 0, sizeof(c));

    if (r->transition.state == NULL
        || tlsrpt_state_write(r->transition.state, &state) == 0)
    {
        c.prefix = r->prefix;
        c.domain = r->domain;
        c.was = text(r->was);
        c.mark_was = text(r->mark);
        c.late_was = text(r->late);
        c.struck_was = text(r->struck);
        c.state.data = state.data;
        c.state.len = state.len;
        c.mark = text(r->new_mark);
        c.keep = tlsrpt_keep_for(tlsrpt_day_of(r->now), r->retention_days,
                                 r->now);
        c.events = r->transition.events;
        command = tlsrpt_commit_command(&c);
    }

    tlsrpt_buf_free(&state);

    return command;
}


/* Also where nothing changes: whoever was given up may have left it. */

static const tlsrpt_command_t *
index_open(tlsrpt_reckoning_t *r)
{
    tlsrpt_key_open(&r->read.key, r->prefix);
    tlsrpt_key_ask(&r->read, r->transition.open ? "ZADD" : "ZREM");

    if (r->transition.open) {
        tlsrpt_key_ask_number(&r->read, r->transition.worst);
    }

    tlsrpt_key_ask_for(&r->read, r->domain.data, r->domain.len);

    return &r->read.command;
}


static const tlsrpt_command_t *
ask_domain(tlsrpt_reckoning_t *r)
{
    tlsrpt_key_domain(&r->read.key, r->prefix, r->domain, "");
    tlsrpt_key_ask(&r->read, "HMGET");
    tlsrpt_key_ask_for(&r->read, "all", 3);
    tlsrpt_key_ask_for(&r->read, "p", 1);
    tlsrpt_key_ask_for(&r->read, "l", 1);
    tlsrpt_key_ask_for(&r->read, "w", 1);

    return &r->read.command;
}


static tlsrpt_command_t *
release(const tlsrpt_reckoning_t *r)
{
    int64_t  next = r->next <= 0 ? 0
                    : r->next > TLSRPT_DUE_LATER ? TLSRPT_DUE_LATER : r->next;

    return tlsrpt_due_release(r->prefix, r->domain, r->score, (unsigned) next);
}


static const tlsrpt_command_t *
make(tlsrpt_reckoning_t *r)
{
    switch (r->step) {

    case INDEX_UNTOLD:
        r->command = tlsrpt_untold_index(r->prefix, r->domain, r->now * 1000);
        break;

    case INDEX_EVENTS:
        r->command = tlsrpt_event_index(r->prefix, r->domain, r->now * 1000);
        break;

    case COMMIT:
        r->command = commit(r);
        break;

    case INDEX_UNTOLD_AGAIN:
        r->command = tlsrpt_untold_index(r->prefix, r->domain,
                                         r->now * 1000 + 1);
        break;

    default:
        r->command = release(r);
    }

    return r->command;
}


const tlsrpt_command_t *
tlsrpt_reckoning_next(tlsrpt_reckoning_t *r)
{
    const tlsrpt_command_t  *command;

    tlsrpt_command_destroy(r->command);
    r->command = NULL;

    if (r->step == ASK_REPORTS) {
        command = r->lookup->type->next(r->lookup, &r->number);

        if (command != NULL) {
            return command;
        }

        if (follow(r) != 0) {
            r->step = DONE;
        }
    }

    switch (r->step) {

    case ASK_STATE:
        return tlsrpt_state_get(&r->read, r->prefix, r->domain);

    case ASK_DOMAIN:
        return ask_domain(r);

    case INDEX_OPEN:
        return index_open(r);

    case DONE:
        return NULL;

    case RELEASE:
        if (r->score.len == 0) {
            return NULL;
        }

        /* fall through */

    default:
        return make(r);
    }
}


/*
 * Replies
 */

/* Somebody else was first: what he wrote is read. */

static void
begin_anew(tlsrpt_reckoning_t *r)
{
    forget(r);
    r->step = ++r->tries < TRIES ? ASK_STATE : DONE;
}


static void
take_committed(tlsrpt_reckoning_t *r, const tlsrpt_reply_t *reply)
{
    if (reply->type != TLSRPT_REPLY_INTEGER) {
        r->step = DONE;

    } else if (reply->integer == 0) {
        begin_anew(r);

    } else {
        r->nevents = (unsigned) json_array_size(r->transition.events);
        r->step = reply->integer > 1 ? INDEX_UNTOLD_AGAIN : INDEX_OPEN;
    }
}


void
tlsrpt_reckoning_add(tlsrpt_reckoning_t *r, const tlsrpt_reply_t *reply)
{
    int  rc = 0;

    if (reply->type == TLSRPT_REPLY_ERROR) {
        r->step = DONE;
        return;
    }

    switch (r->step) {

    case ASK_STATE:
        rc = take_state(r, reply);
        break;

    case ASK_DOMAIN:
        rc = take_domain(r, reply);
        break;

    case ASK_REPORTS:
        rc = r->lookup->type->add(r->lookup, r->number, reply);
        break;

    case COMMIT:
        take_committed(r, reply);
        break;

    default:
        r->step++;                          /* whatever it says */
    }

    if (rc != 0) {
        r->step = DONE;
    }
}
