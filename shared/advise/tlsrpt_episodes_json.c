/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_episodes_json.h"
#include "tlsrpt_problem_json.h"


static tlsrpt_str_t
id_of(const tlsrpt_episode_t *episode)
{
    const json_t  *id = json_object_get(episode->entry, "id");
    tlsrpt_str_t   s = { json_string_value(id), json_string_length(id) };

    return s;
}


/* What the state says of the problem stands above what the range shows: that
   may end before today. */

static void
be_past(tlsrpt_problem_t *p)
{
    p->id = id_of(p->past);
    p->state = json_is_true(json_object_get(p->past->entry, "lapsed"))
               ? TLSRPT_STATE_LAPSED : TLSRPT_STATE_OVER;
}


static unsigned
checks_of(const json_t *kept)
{
    return json_integer_value(json_object_get(json_object_get(kept, "via"),
                                              "check")) > 0;
}


static void
be_open(tlsrpt_problem_t *p, const tlsrpt_episode_t *open)
{
    const json_t  *kept = json_object_get(open->entry, "problem");

    p->id = id_of(open);
    p->state = json_is_null(json_object_get(kept, "ongoing"))
               ? TLSRPT_STATE_UNKNOWN : TLSRPT_STATE_ONGOING;
    p->checks = checks_of(kept);
}


static void
set_ids(const tlsrpt_evidence_t *e, const tlsrpt_episodes_t *episodes,
    tlsrpt_problem_t **problems, size_t n,
    unsigned char shown[TLSRPT_STATE_OPEN])
{
    for (size_t i = 0; i < n; i++) {
        if (problems[i]->past != NULL) {
            be_past(problems[i]);
            continue;
        }

        for (size_t k = 0; k < episodes->nopen; k++) {
            if (!shown[k] && tlsrpt_episode_is_of(&episodes->open[k], e,
                                                  problems[i]))
            {
                be_open(problems[i], &episodes->open[k]);
                shown[k] = 1;
                break;
            }
        }
    }
}


/* An open one of which the range has no failure; a check may show it. */

static json_t *
kept_json(const tlsrpt_episode_t *open)
{
    json_t  *kept = json_object_get(open->entry, "problem");
    json_t  *json = json_copy(kept);
    json_t  *none = json_pack("{s:i, s:f, s:f, s:[], s:{s:i, s:i, s:i}}",
                              "failed-session-count", 0, "share", 0.0,
                              "share-of-senders", 0.0, "by-day",
                              "via", "https", 0, "mail", 0, "check",
                              (int) checks_of(kept));

    if (json == NULL || none == NULL || json_object_update(json, none) != 0) {
        json_decref(json);
        json = NULL;
    }

    json_decref(none);

    return json;
}


static int
is_within(const tlsrpt_evidence_t *e, const tlsrpt_episode_t *open)
{
    return open->opened <= e->scan.to && e->scan.from <= e->scan.today;
}


/* NULL stays NULL. */

static json_t *
append(json_t *array, json_t *json)
{
    if (json_array_append_new(array, json) != 0) {
        json_decref(array);
        array = NULL;
    }

    return array;
}


json_t *
tlsrpt_episodes_json(const tlsrpt_evidence_t *e,
    const tlsrpt_episodes_t *episodes, tlsrpt_problem_t **problems, size_t n)
{
    size_t         i = 0;
    json_t        *array = json_array();
    unsigned char  shown[TLSRPT_STATE_OPEN] = { 0 };

    set_ids(e, episodes, problems, n, shown);
    tlsrpt_problem_sort(problems, n);

    for ( ; array != NULL && i < n && problems[i]->id.data != NULL; i++) {
        array = append(array, tlsrpt_problem_json(e, problems[i]));
    }

    for (size_t k = 0; array != NULL && k < episodes->nopen; k++) {
        if (!shown[k] && is_within(e, &episodes->open[k])) {
            array = append(array, kept_json(&episodes->open[k]));
        }
    }

    for ( ; array != NULL && i < n; i++) {
        array = append(array, tlsrpt_problem_json(e, problems[i]));
    }

    return array;
}
