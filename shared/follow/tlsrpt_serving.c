/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_commit.h"
#include "tlsrpt_episode.h"
#include "tlsrpt_key.h"
#include "tlsrpt_serving.h"
#include "tlsrpt_time.h"


/* EVALSHA, the script, "3", three keys, then what served.lua takes. */
#define FIRST_KEY   3
#define NUMBER_LEN  24
#define NODE_LEN    64

/* Seconds: where no node tells its domains any more, nobody need look. */
#define CHECKS_KEPT  (7 * TLSRPT_DAY)

typedef enum {
    TIME = 0, NAMES, NAMES_KEPT, DUE, DUE_KEPT,
    TELL,                                   /* each domain; if it changed: */
    INDEX, ON_ITS_WAY, TELL_EVENT, ON_ITS_WAY_STILL,
    END
} step_t;

typedef struct {
    char   *name;
    char   *id;                             /* "": none */
    char   *policy;                         /* JSON */
    char   *head;                           /* members of JSON */
    int     told;                           /* a change is an event */
} domain_t;

struct tlsrpt_serving {
    char                 prefix[TLSRPT_MAX_PREFIX + 1];
    char                 node[NODE_LEN + 1];
    int64_t              keep;
    int64_t              now;               /* Redis's, in seconds */
    step_t               step;
    domain_t             domains[TLSRPT_SERVING_MOST];
    size_t               ndomains;
    size_t               next;              /* is told */
    json_t              *event;             /* owned; of that one */
    tlsrpt_command_t    *command;           /* owned */
};


static tlsrpt_str_t
str(const char *text)
{
    return (tlsrpt_str_t) { text, strlen(text) };
}


/* free() it; NULL: no memory. */

static char *
copy(tlsrpt_str_t s)
{
    char  *text = malloc(s.len + 1);

    if (text != NULL) {
        memcpy(text, s.data, s.len);
        text[s.len] = '\0';
    }

    return text;
}


/*
 * Making and ending
 */

tlsrpt_serving_t *
tlsrpt_serving_create(tlsrpt_str_t prefix, tlsrpt_str_t node, int64_t keep)
{
    tlsrpt_serving_t  *serving = calloc(1, sizeof(*serving));

    if (serving != NULL) {
        snprintf(serving->prefix, sizeof(serving->prefix), "%.*s",
                 (int) prefix.len, prefix.data);
        snprintf(serving->node, sizeof(serving->node), "%.*s", (int) node.len,
                 node.data);
        serving->keep = keep;
    }

    return serving;
}


static void
domain_free(domain_t *domain)
{
    free(domain->name);
    free(domain->id);
    free(domain->policy);
    free(domain->head);
}


void
tlsrpt_serving_destroy(tlsrpt_serving_t *serving)
{
    if (serving == NULL) {
        return;
    }

    for (size_t i = 0; i < serving->ndomains; i++) {
        domain_free(&serving->domains[i]);
    }

    json_decref(serving->event);
    tlsrpt_command_destroy(serving->command);
    free(serving);
}


/* What served.lua takes of a policy: free() it. */

static char *
policy_text(const tlsrpt_serving_domain_t *domain)
{
    char                    *text;
    json_t                  *mx = json_array(), *json;
    const mta_sts_policy_t  *policy = domain->policy;

    for (size_t i = 0; policy && i < policy->nmx; i++) {
        if (json_array_append_new(mx, json_string(policy->mx[i])) != 0) {
            json_decref(mx);
            return NULL;
        }
    }

    json = json_pack("{s:s, s:I, s:o, s:s}", "mode",
                     mta_sts_mode_name(policy ? policy->mode : MTA_STS_NONE),
                     "max-age", (json_int_t) (policy ? policy->max_age : 0),
                     "mx", mx, "from",
                     domain->enrolled ? "registry" : "configuration");

    text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);

    return text;
}


/* Members of an object, without its braces: free() them. */

static char *
head_text(const tlsrpt_serving_domain_t *domain)
{
    char    *text;
    size_t   len;
    json_t  *rua = json_array(), *json;

    for (size_t i = 0; i < domain->nrua; i++) {
        if (json_array_append_new(rua, tlsrpt_str_json(domain->rua[i])) != 0) {
            json_decref(rua);
            return NULL;
        }
    }

    json = json_pack("{s:o}", "rua", rua);

    if (json && domain->same_as.len
        && json_object_set_new(json, "same-as",
                               tlsrpt_str_json(domain->same_as)) != 0)
    {
        json_decref(json);
        return NULL;
    }

    text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);

    if (text) {
        len = strlen(text) - 2;
        memmove(text, text + 1, len);
        text[len] = '\0';
    }

    return text;
}


int
tlsrpt_serving_domain(tlsrpt_serving_t *serving,
    const tlsrpt_serving_domain_t *domain)
{
    domain_t  *d;

    if (serving->ndomains == TLSRPT_SERVING_MOST) {
        return -1;
    }

    d = &serving->domains[serving->ndomains];

    d->name = copy(domain->domain);
    d->id = copy(domain->policy ? domain->id : TLSRPT_STR(""));
    d->policy = policy_text(domain);
    d->head = head_text(domain);
    d->told = !domain->enrolled;

    if (!d->name || !d->id || !d->policy || !d->head) {
        domain_free(d);
        memset(d, 0, sizeof(*d));
        return -1;
    }

    serving->ndomains++;

    return 0;
}


/*
 * Whose domains are to be checked
 */

static tlsrpt_command_t *
names_command(const tlsrpt_serving_t *serving, const char *suffix,
    const char *only)
{
    char           now[NUMBER_LEN];
    size_t         n = 0;
    tlsrpt_key_t   key;
    tlsrpt_str_t   argv[3 + 2 * TLSRPT_SERVING_MOST];

    tlsrpt_key_checks(&key, str(serving->prefix), suffix);
    snprintf(now, sizeof(now), "%" PRId64, serving->now);

    argv[n++] = TLSRPT_STR("ZADD");
    argv[n++] = (tlsrpt_str_t) { key.data, key.len };

    if (only != NULL) {
        argv[n++] = str(only);
    }

    for (size_t i = 0; i < serving->ndomains; i++) {
        argv[n++] = str(now);
        argv[n++] = str(serving->domains[i].name);
    }

    return tlsrpt_command_create(argv, n, 1, NULL);
}


static tlsrpt_command_t *
kept_command(const tlsrpt_serving_t *serving, const char *suffix)
{
    char          seconds[NUMBER_LEN];
    tlsrpt_key_t  key;

    tlsrpt_key_checks(&key, str(serving->prefix), suffix);
    snprintf(seconds, sizeof(seconds), "%lld", (long long) CHECKS_KEPT);

    tlsrpt_str_t  argv[] = {
        TLSRPT_STR("EXPIRE"), { key.data, key.len }, str(seconds)
    };

    return tlsrpt_command_create(argv, 3, 1, NULL);
}


/*
 * A domain, and its event
 */

/* served.lua; the event, NULL: it is not made. */

static tlsrpt_command_t *
tell_command(const tlsrpt_serving_t *serving, const domain_t *d,
    const json_t *event)
{
    char               keep[NUMBER_LEN];
    char              *text = NULL, *told = NULL;
    json_t            *json;
    const char        *id = json_string_value(json_object_get(event, "id"));
    tlsrpt_key_t       served, acts, untold;
    tlsrpt_str_t       prefix = str(serving->prefix), domain = str(d->name);
    tlsrpt_command_t  *command;

    if (event != NULL) {
        json = json_pack("{s:O}", "event", event);
        text = json_dumps(event, JSON_COMPACT);
        told = json ? json_dumps(json, JSON_COMPACT) : NULL;
        json_decref(json);
    }

    tlsrpt_key_domain(&served, prefix, domain, ":served");
    tlsrpt_key_domain(&acts, prefix, domain, ":acts");
    tlsrpt_key_domain(&untold, prefix, domain, ":untold");
    snprintf(keep, sizeof(keep), "%" PRId64, serving->keep);

    tlsrpt_str_t  argv[] = {
        TLSRPT_STR("EVALSHA"), str(tlsrpt_served_script.sha1), TLSRPT_STR("3"),
        { served.data, served.len }, { acts.data, acts.len },
        { untold.data, untold.len }, str(serving->node), str(d->id),
        str(d->policy), str(d->head), str(keep), str(d->told ? "1" : "0"),
        str(id && text && told ? id : ""), str(text ? text : ""),
        str(told ? told : "")
    };

    command = tlsrpt_command_create(argv, sizeof(argv) / sizeof(argv[0]),
                                    FIRST_KEY, &tlsrpt_served_script);
    free(text);
    free(told);

    return command;
}


/* Its id is the same when it is made again at that time. */

static json_t *
make_event(const domain_t *d, int64_t time)
{
    static const char  type[] = "policy-changed";

    char          text[TLSRPT_TIME_TEXT_LEN + 1];
    tlsrpt_str_t  parts[] = {
        str(d->name), TLSRPT_STR("policy-changed"),
        { text, TLSRPT_TIME_TEXT_LEN }, str(d->id)
    };

    tlsrpt_time_text(time, text);

    return json_pack("{s:o, s:s, s:s, s:s, s:s, s:s}", "id",
                     tlsrpt_episode_digest(parts, 4), "time", text, "type",
                     type, "domain", d->name, "title", d->id[0] != '\0'
                     ? "The policy was changed in the configuration"
                     : "The policy was taken out of the configuration",
                     "actor", "operator");
}


/*
 * Steps
 */

static const tlsrpt_command_t *
made(tlsrpt_serving_t *serving, tlsrpt_command_t *command)
{
    tlsrpt_command_destroy(serving->command);
    serving->command = command;

    if (command == NULL) {
        serving->step = END;
    }

    return command;
}


const tlsrpt_command_t *
tlsrpt_serving_next(tlsrpt_serving_t *serving)
{
    const domain_t  *d = &serving->domains[serving->next];
    tlsrpt_str_t     prefix = str(serving->prefix);
    int64_t          milliseconds = serving->now * 1000;

    if (serving->next == serving->ndomains) {
        return NULL;
    }

    switch (serving->step) {

    case TIME:
        return &tlsrpt_command_time;

    case NAMES:
        return made(serving, names_command(serving, ":names", NULL));

    case NAMES_KEPT:
        return made(serving, kept_command(serving, ":names"));

    case DUE:
        return made(serving, names_command(serving, ":due", "NX"));

    case DUE_KEPT:
        return made(serving, kept_command(serving, ":due"));

    case TELL:
        return made(serving, tell_command(serving, d, NULL));

    case INDEX:
        return made(serving, tlsrpt_event_index(prefix, str(d->name),
                                                milliseconds));

    case ON_ITS_WAY:
        return made(serving, tlsrpt_untold_index(prefix, str(d->name),
                                                 milliseconds));

    case TELL_EVENT:
        return made(serving, tell_command(serving, d, serving->event));

    case ON_ITS_WAY_STILL:
        return made(serving, tlsrpt_untold_index(prefix, str(d->name),
                                                 milliseconds + 1));

    case END:
        break;
    }

    return NULL;
}


static void
next_domain(tlsrpt_serving_t *serving)
{
    json_decref(serving->event);
    serving->event = NULL;
    serving->next++;
    serving->step = TELL;
}


static void
read_time(tlsrpt_serving_t *serving, const tlsrpt_reply_t *reply)
{
    serving->step = tlsrpt_reply_seconds(reply, &serving->now) == 0 ? NAMES
                                                                     : END;
}


/* A domain whose keys Redis refuses is passed over. */

static void
read_told(tlsrpt_serving_t *serving, const tlsrpt_reply_t *reply)
{
    if (reply->type == TLSRPT_REPLY_INTEGER && reply->integer > 0) {
        serving->event = make_event(&serving->domains[serving->next],
                                    reply->integer);
    }

    if (serving->event == NULL) {
        next_domain(serving);
        return;
    }

    serving->step = INDEX;
}


void
tlsrpt_serving_add(tlsrpt_serving_t *serving, const tlsrpt_reply_t *reply)
{
    switch (serving->step) {

    case TIME:
        read_time(serving, reply);
        break;

    case TELL:
        read_told(serving, reply);
        break;

    case ON_ITS_WAY_STILL:
        next_domain(serving);
        break;

    case END:
        break;

    default:
        serving->step++;
    }
}
