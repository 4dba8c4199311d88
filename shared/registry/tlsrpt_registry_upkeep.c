/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_commit.h"
#include "tlsrpt_registry_acts.h"
#include "tlsrpt_registry_change.h"
#include "tlsrpt_registry_ops.h"
#include "tlsrpt_registry_put.h"
#include "tlsrpt_registry_read.h"
#include "tlsrpt_registry_upkeep.h"
#include "tlsrpt_time.h"


#define MOST        32                      /* of each, at a time */
#define FOLLOWERS   1000                    /* of one domain, at a time */
#define LATER       3600                    /* seconds: a record that cannot be
                                               read, or is of a later version */

/* What has left is there still for rspamd, which can see in DNS which records
   lead here, where it looks: so many seconds. */
#define LOOK_FIRST  60

/* Events of what was not proved are of strangers' making, perhaps. */
#define KEEP_UNPROVED  (30 * TLSRPT_DAY)

typedef enum {
    TIME = 0,
    SEEN,                                   /* does rspamd look? */
    DUE,                                    /* names of what is over */
    EXPIRE, EXPIRED, MENDED,                /* each: its record, and the next */
    UNTOLD,                                 /* events */
    PASSED, FOLLOWED, UNFOLLOW, UNFOLLOWED, /* each: who followed the domain */
    INDEX, ON_ITS_WAY, ADD, ON_ITS_WAY_STILL, DROP,
    END
} step_t;

typedef struct {
    tlsrpt_str_t  *list;                    /* owned */
    size_t         n;
    size_t         next;
} texts_t;

struct tlsrpt_registry_upkeep {
    char                       prefix[TLSRPT_MAX_PREFIX + 1];
    int64_t                    now;
    int64_t                    keep;        /* seconds */
    unsigned char              random[TLSRPT_TOKEN_BYTES];
    step_t                     step;
    int                        more;
    int                        seen;        /* rspamd looks */
    tlsrpt_key_read_t          read;
    tlsrpt_command_t          *command;     /* owned */
    texts_t                    due;
    texts_t                    untold;
    texts_t                    followers;
    int                        unfinished;  /* the event comes again */
    tlsrpt_act_t               act;
    tlsrpt_registry_record_t  *record;      /* that is changed */
    tlsrpt_registry_record_t  *passed;      /* of what it followed */
    tlsrpt_change_t            change;
    int64_t                    mend;        /* when it ends; 0: not */
};


static tlsrpt_str_t
str(const char *text)
{
    return (tlsrpt_str_t) { text, strlen(text) };
}


/*
 * Texts
 */

static void
texts_free(texts_t *texts)
{
    for (size_t i = 0; i < texts->n; i++) {
        free((char *) texts->list[i].data);
    }

    free(texts->list);
    memset(texts, 0, sizeof(*texts));
}


/* Copies an array of strings.  0, or -1: it is none, or there is no memory. */

static int
texts_read(texts_t *texts, const tlsrpt_reply_t *reply)
{
    char  *text;

    texts_free(texts);

    if (reply->type != TLSRPT_REPLY_ARRAY) {
        return -1;
    }

    texts->list = calloc(reply->nelements + 1, sizeof(*texts->list));

    for (size_t i = 0; texts->list && i < reply->nelements; i++) {
        const tlsrpt_reply_t  *e = reply->elements[i];

        text = e->type == TLSRPT_REPLY_STRING ? malloc(e->len + 1) : NULL;

        if (text == NULL) {
            return -1;
        }

        memcpy(text, e->str, e->len);
        texts->list[texts->n++] = (tlsrpt_str_t) { text, e->len };
    }

    return texts->list ? 0 : -1;
}


static int
texts_left(const texts_t *texts)
{
    return texts->next < texts->n;
}


static tlsrpt_str_t
text_of(const texts_t *texts)
{
    return texts->list[texts->next];
}


/*
 * Making and ending
 */

tlsrpt_registry_upkeep_t *
tlsrpt_registry_upkeep_create(tlsrpt_str_t prefix, int64_t now,
    unsigned retention_days, const unsigned char random[TLSRPT_TOKEN_BYTES])
{
    tlsrpt_registry_upkeep_t  *u = calloc(1, sizeof(*u));

    if (u != NULL) {
        snprintf(u->prefix, sizeof(u->prefix), "%.*s", (int) prefix.len,
                 prefix.data);
        u->now = now;
        u->step = now ? SEEN : TIME;
        u->keep = (int64_t) retention_days * TLSRPT_DAY;
        memcpy(u->random, random, sizeof(u->random));
    }

    return u;
}


static void
act_free(tlsrpt_registry_upkeep_t *u)
{
    json_decref(u->act.event);
    u->act.event = NULL;
}


void
tlsrpt_registry_upkeep_destroy(tlsrpt_registry_upkeep_t *u)
{
    if (u == NULL) {
        return;
    }

    tlsrpt_command_destroy(u->command);
    texts_free(&u->due);
    texts_free(&u->untold);
    texts_free(&u->followers);
    act_free(u);
    tlsrpt_change_free(&u->change);
    tlsrpt_registry_record_destroy(u->record);
    tlsrpt_registry_record_destroy(u->passed);
    free(u);
}


int
tlsrpt_registry_upkeep_more(const tlsrpt_registry_upkeep_t *u)
{
    return u->more;
}


/*
 * What is known before
 */

static tlsrpt_command_t *
ask_seen(const tlsrpt_registry_upkeep_t *u)
{
    tlsrpt_key_t  key;

    tlsrpt_key_registry(&key, str(u->prefix), ":seen");

    tlsrpt_str_t  argv[] = { TLSRPT_STR("EXISTS"), { key.data, key.len } };

    return tlsrpt_command_create(argv, 2, 1, NULL);
}


static void
read_time(tlsrpt_registry_upkeep_t *u, const tlsrpt_reply_t *reply)
{
    u->step = tlsrpt_reply_seconds(reply, &u->now) == 0 && u->now > 0 ? SEEN
                                                                       : END;
}


/*
 * What is over
 */

static void
next_due(tlsrpt_registry_upkeep_t *u)
{
    u->step = texts_left(&u->due) ? EXPIRE : UNTOLD;
}


static void
read_record(tlsrpt_registry_record_t **record, const tlsrpt_reply_t *reply,
    int *broken)
{
    tlsrpt_registry_record_destroy(*record);
    *record = tlsrpt_registry_record_of(reply, broken);
}


static void
set_how(const tlsrpt_registry_upkeep_t *u, tlsrpt_change_how_t *how,
    tlsrpt_str_t domain)
{
    memset(how, 0, sizeof(*how));
    how->domain = domain;
    how->now = u->now;
    memcpy(how->random + 2 * TLSRPT_TOKEN_BYTES, u->random, sizeof(u->random));
}


static int
is_looked_at_first(const tlsrpt_registry_upkeep_t *u)
{
    const tlsrpt_enrolment_t  *e = u->record->holder;

    return u->seen && e && tlsrpt_enrolment_is_over(e, u->now)
           && u->now < e->ends + LOOK_FIRST;
}


/* Where nothing is over, the list has another time, or the record one that is
   not for us. */

static void
expire(tlsrpt_registry_upkeep_t *u, const tlsrpt_reply_t *reply)
{
    int                  broken = 0;
    tlsrpt_change_how_t  how;

    read_record(&u->record, reply, &broken);

    if (u->record == NULL) {
        u->mend = u->now + LATER;
        u->step = broken ? MENDED : END;
        return;
    }

    if (is_looked_at_first(u)) {
        u->due.next++;
        next_due(u);
        return;
    }

    set_how(u, &how, text_of(&u->due));
    tlsrpt_change_expire(&u->change, u->record, &how, NULL, 0);

    if (u->change.status == TLSRPT_CHANGE_MEMORY) {
        u->step = END;

    } else if (u->change.status == TLSRPT_CHANGE_OK) {
        u->step = EXPIRED;

    } else {
        u->mend = u->record->newer ? u->now + LATER
                                   : tlsrpt_registry_ends(u->record);
        u->step = MENDED;
    }
}


static tlsrpt_command_t *
mend(const tlsrpt_registry_upkeep_t *u, tlsrpt_str_t domain)
{
    char          score[24];
    tlsrpt_key_t  key;

    tlsrpt_key_registry(&key, str(u->prefix), ":ends");
    snprintf(score, sizeof(score), "%lld", (long long) u->mend);

    tlsrpt_str_t  later[] = {
        TLSRPT_STR("ZADD"), { key.data, key.len }, TLSRPT_STR("XX"), str(score),
        domain
    };
    tlsrpt_str_t  never[] = {
        TLSRPT_STR("ZREM"), { key.data, key.len }, domain
    };

    return u->mend ? tlsrpt_command_create(later, 5, 1, NULL)
                   : tlsrpt_command_create(never, 3, 1, NULL);
}


/*
 * Events
 */

static void
next_untold(tlsrpt_registry_upkeep_t *u)
{
    tlsrpt_str_t  text;

    act_free(u);
    u->unfinished = 0;

    if (!texts_left(&u->untold)) {
        u->step = END;
        return;
    }

    text = text_of(&u->untold);

    if (tlsrpt_act_read(text.data, text.len, &u->act) != 0) {
        u->step = DROP;

    } else {
        u->step = tlsrpt_str_is(str(json_string_value(json_object_get(
                                        u->act.event, "type"))),
                                "domain-transferred") ? PASSED : INDEX;
    }
}


static int64_t
keep_of(const tlsrpt_registry_upkeep_t *u)
{
    return json_object_get(u->act.event, "owner") && u->keep > KEEP_UNPROVED
           ? KEEP_UNPROVED : u->keep;
}


/*
 * Who followed a domain that has passed on
 */

static void
next_follower(tlsrpt_registry_upkeep_t *u)
{
    u->step = texts_left(&u->followers) ? UNFOLLOW : INDEX;
}


static void
unfollow(tlsrpt_registry_upkeep_t *u, const tlsrpt_reply_t *reply)
{
    int                  broken = 0;
    tlsrpt_change_how_t  how;

    read_record(&u->record, reply, &broken);

    if (u->record == NULL && !broken) {
        u->step = END;
        return;
    }

    if (u->record == NULL) {
        u->followers.next++;
        next_follower(u);
        return;
    }

    set_how(u, &how, text_of(&u->followers));
    tlsrpt_change_unfollow(&u->change, u->record, &how, str(u->act.domain),
                           u->passed);

    if (u->change.status == TLSRPT_CHANGE_OK) {
        u->step = UNFOLLOWED;

    } else {
        u->followers.next++;
        next_follower(u);
    }
}


/*
 * Steps
 */

static const tlsrpt_command_t *
made(tlsrpt_registry_upkeep_t *u, tlsrpt_command_t *command)
{
    tlsrpt_command_destroy(u->command);
    u->command = command;

    if (command == NULL) {
        u->step = END;
    }

    return command;
}


const tlsrpt_command_t *
tlsrpt_registry_upkeep_next(tlsrpt_registry_upkeep_t *u)
{
    tlsrpt_str_t  prefix = str(u->prefix), domain = str(u->act.domain);

    switch (u->step) {

    case TIME:
        return &tlsrpt_command_time;

    case SEEN:
        return made(u, ask_seen(u));

    case DUE:
        return tlsrpt_registry_due(&u->read, prefix, ":ends", u->now, MOST);

    case EXPIRE:
        return tlsrpt_registry_get(&u->read, prefix, text_of(&u->due));

    case EXPIRED:
    case UNFOLLOWED:
        return made(u, tlsrpt_registry_put_command(prefix, &u->change));

    case MENDED:
        return made(u, mend(u, text_of(&u->due)));

    case UNTOLD:
        return tlsrpt_registry_untold(&u->read, prefix, MOST);

    case PASSED:
        return tlsrpt_registry_get(&u->read, prefix, domain);

    case FOLLOWED:
        return tlsrpt_registry_followers(&u->read, prefix, domain, FOLLOWERS);

    case UNFOLLOW:
        return tlsrpt_registry_get(&u->read, prefix, text_of(&u->followers));

    case INDEX:
        return made(u, tlsrpt_event_index(prefix, domain, u->now * 1000));

    case ON_ITS_WAY:
        return made(u, tlsrpt_untold_index(prefix, domain, u->now * 1000));

    case ADD:
        return made(u, tlsrpt_act_add(prefix, &u->act, keep_of(u)));

    case ON_ITS_WAY_STILL:
        return made(u, tlsrpt_untold_index(prefix, domain, u->now * 1000 + 1));

    case DROP:
        return made(u, tlsrpt_act_drop(prefix, text_of(&u->untold)));

    case END:
        break;
    }

    return NULL;
}


static void
add_list(tlsrpt_registry_upkeep_t *u, texts_t *texts,
    const tlsrpt_reply_t *reply, void (*next)(tlsrpt_registry_upkeep_t *))
{
    if (texts_read(texts, reply) != 0) {
        u->step = END;
        return;
    }

    u->more |= texts->n >= MOST;
    next(u);
}


/* The rest of an event's way: each step is done whatever it answers. */

static void
go_on(tlsrpt_registry_upkeep_t *u)
{
    if (u->step == DROP || (u->step == ON_ITS_WAY_STILL && u->unfinished)) {
        u->untold.next++;
        next_untold(u);
        return;
    }

    u->step++;
}


void
tlsrpt_registry_upkeep_add(tlsrpt_registry_upkeep_t *u,
    const tlsrpt_reply_t *reply)
{
    int       broken = 0;
    uint64_t  version;

    if (reply->type == TLSRPT_REPLY_ERROR) {
        u->step = END;
        return;
    }

    switch (u->step) {

    case TIME:
        read_time(u, reply);
        break;

    case SEEN:
        u->seen = reply->type == TLSRPT_REPLY_INTEGER && reply->integer > 0;
        u->step = DUE;
        break;

    case DUE:
        add_list(u, &u->due, reply, next_due);
        break;

    case EXPIRE:
        expire(u, reply);
        break;

    case EXPIRED:                           /* or it is due again */
    case MENDED:
        u->due.next++;
        next_due(u);
        break;

    case UNTOLD:
        add_list(u, &u->untold, reply, next_untold);
        break;

    case PASSED:
        read_record(&u->passed, reply, &broken);
        u->step = u->passed ? FOLLOWED : broken ? INDEX : END;
        break;

    case FOLLOWED:
        add_list(u, &u->followers, reply, next_follower);
        break;

    case UNFOLLOW:
        unfollow(u, reply);
        break;

    case UNFOLLOWED:
        u->unfinished |= tlsrpt_registry_put_result(reply, &version)
                         == TLSRPT_PUT_AGAIN;
        u->followers.next++;
        next_follower(u);
        break;

    case END:
        break;

    default:
        go_on(u);
    }
}
