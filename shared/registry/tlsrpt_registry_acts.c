/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_episode.h"
#include "tlsrpt_registry_acts.h"
#include "tlsrpt_registry_read.h"
#include "tlsrpt_time.h"


/* EVALSHA, the script, "3", three keys, then what act_add.lua takes. */
#define FIRST_KEY   3
#define MAX_TEXT    4096                    /* bytes of an event */
#define MAX_ID      64
#define NUMBER_LEN  24


static const char *
member(const json_t *event, const char *name)
{
    const char  *text = json_string_value(json_object_get(event, name));

    return text ? text : "";
}


int
tlsrpt_act_read(const char *text, size_t len, tlsrpt_act_t *act)
{
    const char  *domain, *id;

    act->text = (tlsrpt_str_t) { text, len };
    act->event = len <= MAX_TEXT
                 ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;

    domain = member(act->event, "domain");
    id = member(act->event, "id");

    if (id[0] == '\0' || strlen(id) > MAX_ID
        || member(act->event, "type")[0] == '\0'
        || tlsrpt_domain_normalize(domain, strlen(domain), act->domain) == 0)
    {
        json_decref(act->event);
        act->event = NULL;
        return -1;
    }

    return 0;
}


/* The second from which on the domain is another's, as text: none where it
   stays whose it was. */

static size_t
since_text(const json_t *event, char text[NUMBER_LEN])
{
    int64_t      since;
    unsigned     deviations = 0;
    const char  *type = member(event, "type"), *time = member(event, "time");

    if ((strcmp(type, "domain-verified") != 0
         && strcmp(type, "domain-transferred") != 0)
        || tlsrpt_time_parse(time, strlen(time), &since, &deviations) != 0)
    {
        return 0;
    }

    return (size_t) snprintf(text, NUMBER_LEN, "%lld", (long long) since);
}


tlsrpt_command_t *
tlsrpt_act_add(tlsrpt_str_t prefix, const tlsrpt_act_t *act, int64_t keep)
{
    char               seconds[NUMBER_LEN], since[NUMBER_LEN];
    char              *told;
    const char        *id = member(act->event, "id");
    const char        *sha1 = tlsrpt_act_add_script.sha1;
    json_t            *json = json_pack("{s:O}", "event", act->event);
    tlsrpt_key_t       acts, untold, totals;
    tlsrpt_str_t       domain = { act->domain, strlen(act->domain) };
    tlsrpt_command_t  *command;

    told = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);

    if (told == NULL) {
        return NULL;
    }

    tlsrpt_key_domain(&acts, prefix, domain, ":acts");
    tlsrpt_key_domain(&untold, prefix, domain, ":untold");
    tlsrpt_key_domain(&totals, prefix, domain, "");

    tlsrpt_str_t  argv[] = {
        TLSRPT_STR("EVALSHA"), { sha1, strlen(sha1) }, TLSRPT_STR("3"),
        { acts.data, acts.len }, { untold.data, untold.len },
        { totals.data, totals.len }, { id, strlen(id) }, act->text,
        { told, strlen(told) }, { seconds, 0 },
        { since, since_text(act->event, since) }
    };

    argv[9].len = (size_t) snprintf(seconds, sizeof(seconds), "%lld",
                                    (long long) keep);
    command = tlsrpt_command_create(argv, sizeof(argv) / sizeof(argv[0]),
                                    FIRST_KEY, &tlsrpt_act_add_script);
    free(told);

    return command;
}


tlsrpt_command_t *
tlsrpt_act_drop(tlsrpt_str_t prefix, tlsrpt_str_t text)
{
    tlsrpt_key_t  key;

    tlsrpt_key_registry(&key, prefix, ":untold");

    tlsrpt_str_t  argv[] = {
        TLSRPT_STR("LREM"), { key.data, key.len }, TLSRPT_STR("1"), text
    };

    return tlsrpt_command_create(argv, 4, 1, NULL);
}


json_t *
tlsrpt_act_create(tlsrpt_str_t domain, int64_t time, const char *type,
    const char *title, tlsrpt_str_t actor, tlsrpt_str_t what)
{
    char          text[TLSRPT_TIME_TEXT_LEN + 1];
    json_t       *event;
    tlsrpt_str_t  parts[4] = {
        domain, { type, strlen(type) }, { text, TLSRPT_TIME_TEXT_LEN }, what
    };

    tlsrpt_time_text(time, text);
    event = json_pack("{s:o, s:s, s:s, s:s%, s:s}", "id",
                      tlsrpt_episode_digest(parts, 4), "time", text, "type",
                      type, "domain", domain.data, domain.len, "title", title);

    if (event && actor.data
        && json_object_set_new(event, "actor", tlsrpt_str_json(actor)) != 0)
    {
        json_decref(event);
        return NULL;
    }

    return event;
}
