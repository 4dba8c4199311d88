/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>

#include <openssl/sha.h>

#include "tlsrpt_buf.h"
#include "tlsrpt_episode.h"
#include "tlsrpt_time.h"


#define DIGEST_BYTES  8


/*
 * The state's episodes
 */

static tlsrpt_str_t
member(const json_t *entry, const char *name)
{
    const json_t  *value = json_object_get(entry, name);
    tlsrpt_str_t   s = { json_string_value(value), json_string_length(value) };

    return s;
}


static int
read_day(const json_t *entry, const char *name, int32_t *day)
{
    tlsrpt_str_t  text = member(entry, name);

    return text.data != NULL ? tlsrpt_day_parse(text.data, text.len, day) : -1;
}


static int
read_episode(tlsrpt_episode_t *episode, const json_t *entry, int is_past)
{
    episode->entry = entry;
    episode->type = member(entry, "type");
    episode->cause = member(entry, "cause");
    episode->ended = 0;

    return episode->type.data != NULL && episode->cause.data != NULL
           && member(entry, "id").data != NULL
           && member(entry, "severity").data != NULL
           && read_day(entry, "opened", &episode->opened) == 0
           && (is_past ? read_day(entry, "ended", &episode->ended) == 0
                       : json_is_object(json_object_get(entry, "problem")));
}


void
tlsrpt_episodes_read(tlsrpt_episodes_t *episodes, const json_t *state)
{
    size_t   i;
    json_t  *entry;

    episodes->nopen = 0;
    episodes->npast = 0;

    json_array_foreach(json_object_get(state, "open"), i, entry) {
        if (episodes->nopen < TLSRPT_STATE_OPEN) {
            episodes->nopen += (size_t) read_episode(
                &episodes->open[episodes->nopen], entry, 0);
        }
    }

    json_array_foreach(json_object_get(state, "past"), i, entry) {
        if (episodes->npast < TLSRPT_STATE_PAST) {
            episodes->npast += (size_t) read_episode(
                &episodes->past[episodes->npast], entry, 1);
        }
    }
}


/*
 * Known again
 */

static int
is_named(tlsrpt_str_t cause, const char *kind, tlsrpt_str_t name)
{
    const size_t  len = strlen(kind);

    return tlsrpt_str_begins(cause, kind) && cause.len - len == name.len
           && memcmp(cause.data + len, name.data, name.len) == 0;
}


/* Of failures of one type for which no server is named, there is one problem:
   that of a sender becomes the domain's when others meet it, and stays the
   same. */

static int
is_cause(tlsrpt_str_t cause, tlsrpt_str_t type, tlsrpt_str_t mx, int many)
{
    if (many) {
        return tlsrpt_str_is(cause, TLSRPT_CAUSE_MANY);
    }

    if (mx.len) {
        return is_named(cause, TLSRPT_CAUSE_MX, mx);
    }

    if (tlsrpt_explain(type)->of_policy) {
        return tlsrpt_str_is(cause, TLSRPT_CAUSE_POLICY);
    }

    return tlsrpt_str_begins(cause, TLSRPT_CAUSE_SENDER)
           || tlsrpt_str_begins(cause, TLSRPT_CAUSE_DOMAIN);
}


const tlsrpt_episode_t *
tlsrpt_episodes_past(const tlsrpt_episodes_t *episodes, tlsrpt_str_t type,
    tlsrpt_str_t mx, int many, int32_t day)
{
    const tlsrpt_episode_t  *found = NULL;

    for (size_t i = 0; i < episodes->npast; i++) {
        const tlsrpt_episode_t  *past = &episodes->past[i];

        if (day <= past->ended && tlsrpt_str_equal(past->type, type)
            && is_cause(past->cause, type, mx, many)
            && (found == NULL || past->ended < found->ended))
        {
            found = past;
        }
    }

    return found;
}


int
tlsrpt_episodes_is_open(const tlsrpt_episodes_t *episodes, tlsrpt_str_t type,
    tlsrpt_str_t mx, int many)
{
    for (size_t i = 0; i < episodes->nopen; i++) {
        if (tlsrpt_str_equal(episodes->open[i].type, type)
            && is_cause(episodes->open[i].cause, type, mx, many))
        {
            return 1;
        }
    }

    return 0;
}


/* The only sender that met it; data NULL: there are several, or none. */

static tlsrpt_str_t
only_sender(const tlsrpt_problem_t *p, char buf[TLSRPT_VALUE_LEN])
{
    tlsrpt_str_t            none = { NULL, 0 };
    const tlsrpt_groups_t  *g = &p->groups[TLSRPT_PROBLEM_ORGANIZATIONS];

    return g->ngroups == 1 ? tlsrpt_groups_text(g, &g->groups[0], buf) : none;
}


static int
is_cause_of(tlsrpt_str_t cause, const tlsrpt_finding_t *f)
{
    tlsrpt_str_t    mx;
    tlsrpt_about_t  about;

    return tlsrpt_finding_about(cause, &about, &mx) == 0 && about == f->about
           && tlsrpt_str_equal(mx, f->about == TLSRPT_ABOUT_MX
                                   ? f->mx : (tlsrpt_str_t) { mx.data, 0 });
}


int
tlsrpt_episode_is_of(const tlsrpt_episode_t *episode,
    const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    char          buf[TLSRPT_VALUE_LEN];
    tlsrpt_str_t  sender;

    if (!tlsrpt_str_equal(episode->type, p->result_type)) {
        return 0;
    }

    if (p->kind == TLSRPT_OF_CHECK) {
        return is_cause_of(episode->cause, p->finding);
    }

    if (!tlsrpt_problem_is_silence(p)) {
        return is_cause(episode->cause, p->result_type, p->mx, p->many);
    }

    sender = only_sender(p, buf);

    return sender.data != NULL
           ? is_named(episode->cause, TLSRPT_CAUSE_SENDER, sender)
           : is_named(episode->cause, TLSRPT_CAUSE_DOMAIN, e->scan.domain);
}


/*
 * Names
 */

static json_t *
cause_json(const char *kind, tlsrpt_str_t name)
{
    json_t  *json, *text = tlsrpt_str_json(name);

    json = text != NULL ? json_sprintf("%s%s", kind, json_string_value(text))
                        : NULL;
    json_decref(text);

    return json;
}


json_t *
tlsrpt_episode_cause(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    char          buf[TLSRPT_VALUE_LEN];
    tlsrpt_str_t  sender = only_sender(p, buf);

    if (p->kind == TLSRPT_OF_CHECK) {
        return tlsrpt_finding_cause(p->finding);
    }

    if (p->many) {
        return json_string(TLSRPT_CAUSE_MANY);
    }

    if (p->mx.len) {
        return cause_json(TLSRPT_CAUSE_MX, p->mx);
    }

    if (tlsrpt_problem_is_of_policy(p) && !tlsrpt_problem_is_silence(p)) {
        return json_string(TLSRPT_CAUSE_POLICY);
    }

    return sender.data != NULL
           ? cause_json(TLSRPT_CAUSE_SENDER, sender)
           : cause_json(TLSRPT_CAUSE_DOMAIN, e->scan.domain);
}


json_t *
tlsrpt_episode_digest(const tlsrpt_str_t *parts, size_t n)
{
    char            text[2 * DIGEST_BYTES + 1];
    json_t         *json = NULL;
    tlsrpt_buf_t    buf = { NULL, 0, 0, 0 };
    unsigned char   digest[SHA256_DIGEST_LENGTH];

    for (size_t i = 0; i < n; i++) {
        tlsrpt_buf_add(&buf, parts[i].data ? parts[i].data : "", parts[i].len);
        tlsrpt_buf_add(&buf, "\n", 1);
    }

    if (!buf.failed) {
        SHA256((const unsigned char *) buf.data, buf.len, digest);

        for (int i = 0; i < DIGEST_BYTES; i++) {
            snprintf(text + 2 * i, 3, "%02x", digest[i]);
        }

        json = json_string(text);
    }

    tlsrpt_buf_free(&buf);

    return json;
}
