/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_contacts.h"
#include "tlsrpt_count.h"
#include "tlsrpt_diagnosis.h"
#include "tlsrpt_checked.h"
#include "tlsrpt_problem_json.h"
#include "tlsrpt_suspicion.h"


#define MAX_LISTED  50                      /* of each */


static json_t *
name_json(const void *groups, const tlsrpt_group_t *group)
{
    char  buf[TLSRPT_VALUE_LEN];

    return tlsrpt_str_json(tlsrpt_groups_text(groups, group, buf));
}


static json_t *
list_json(const tlsrpt_groups_t *groups)
{
    return tlsrpt_groups_json(groups, MAX_LISTED, name_json, groups);
}


static json_t *
day_json(int32_t day, uint64_t failed)
{
    char  text[TLSRPT_DAY_TEXT_LEN + 1];

    tlsrpt_day_text(day, text);

    return json_pack("{s:s, s:I}", "day", text, "failed-session-count",
                     (json_int_t) failed);
}


static json_t *
days_json(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    size_t    next;
    uint64_t  failed;
    json_t   *array = json_array();

    for (size_t i = 0; array && i < p->nhits; i = next) {
        next = tlsrpt_problem_next_day(p, i);
        failed = 0;

        for (size_t k = i; k < next; k++) {
            failed = tlsrpt_count_add(failed, p->hits[k].failed);
        }

        if (json_array_append_new(array,
                day_json(e->scan.from + (int32_t) p->hits[i].day, failed))
            != 0)
        {
            json_decref(array);
            array = NULL;
        }
    }

    return array;
}


static json_t *
words_json(tlsrpt_diagnosis_pt say, const tlsrpt_evidence_t *e,
    const tlsrpt_problem_t *p, tlsrpt_names_t *names)
{
    tlsrpt_words_t  w;

    say(e, p, names, &w);

    return tlsrpt_words_json(&w);
}


static json_t *
suspicion_json(const tlsrpt_problem_t *p, tlsrpt_names_t *names)
{
    tlsrpt_words_t  w;

    if (p->kind != TLSRPT_OF_REPORTS) {
        return json_null();
    }

    tlsrpt_suspicion(p, names, &w);

    return w.len ? tlsrpt_words_json(&w) : json_null();
}


/* null: it was never open. */

static json_t *
id_json(const tlsrpt_problem_t *p)
{
    return p->id.data != NULL ? tlsrpt_str_json(p->id) : json_null();
}


static json_t *
ongoing_json(const tlsrpt_problem_t *p)
{
    return p->state == TLSRPT_STATE_UNKNOWN ? json_null()
           : json_boolean(p->state == TLSRPT_STATE_ONGOING);
}


static json_t *
type_json(const tlsrpt_problem_t *p)
{
    return p->result_type.len ? tlsrpt_str_json(p->result_type) : json_null();
}


/* The steps' text, each with its command, a line each. */

static json_t *
fix_json(const json_t *steps)
{
    size_t         i;
    json_t        *step, *json = NULL;
    tlsrpt_buf_t   buf = { NULL, 0, 0, 0 };

    json_array_foreach((json_t *) steps, i, step) {
        const json_t  *text = json_object_get(step, "text");
        const json_t  *run = json_object_get(step, "command");

        tlsrpt_buf_add(&buf, "\n", buf.len > 0);
        tlsrpt_buf_add(&buf, json_string_value(text),
                       json_string_length(text));

        if (run != NULL) {
            tlsrpt_buf_add(&buf, " ", 1);
            tlsrpt_buf_add(&buf, json_string_value(run),
                           json_string_length(run));
        }
    }

    if (!buf.failed) {
        json = json_stringn(buf.data ? buf.data : "", buf.len);
    }

    tlsrpt_buf_free(&buf);

    return json;
}


/* What is counted. */

static json_t *
facts_json(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    char                    first[TLSRPT_DAY_TEXT_LEN + 1];
    char                    last[TLSRPT_DAY_TEXT_LEN + 1];
    const tlsrpt_groups_t  *g = p->groups;

    tlsrpt_day_text(p->first, first);
    tlsrpt_day_text(p->last, last);

    return json_pack("{s:o, s:o, s:s, s:o, s:s, s:s, s:I, s:f, s:f,"
                     " s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "id", id_json(p), "result-type", type_json(p),
                     "severity", tlsrpt_severity_name(p->severity),
                     "ongoing", ongoing_json(p),
                     "first-day", first, "last-day", last,
                     "failed-session-count", (json_int_t) p->failed,
                     "share", p->share,
                     "share-of-senders", p->share_of_senders,
                     "organization-names",
                     list_json(&g[TLSRPT_PROBLEM_ORGANIZATIONS]),
                     "contacts", tlsrpt_contacts_json(e, p, MAX_LISTED),
                     "receiving-mx-hostnames", list_json(&g[TLSRPT_PROBLEM_MX]),
                     "sending-mta-ips",
                     list_json(&g[TLSRPT_PROBLEM_SENDING_IPS]),
                     "receiving-ips",
                     list_json(&g[TLSRPT_PROBLEM_RECEIVING_IPS]),
                     "failure-reason-codes",
                     list_json(&g[TLSRPT_PROBLEM_REASONS]),
                     "policy-types", list_json(&g[TLSRPT_PROBLEM_TYPES]),
                     "via", json_pack("{s:I, s:I, s:I}",
                                      "https", (json_int_t) p->posted,
                                      "mail", (json_int_t) p->mailed,
                                      "check", (json_int_t) p->checks),
                     "signed-by",
                     tlsrpt_contacts_signers_json(e, p, MAX_LISTED),
                     "by-day", days_json(e, p));
}


/* What is said of it. */

static json_t *
said_json(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    tlsrpt_names_t   names;
    json_t          *steps;

    tlsrpt_diagnosis_names(e, p, &names);
    steps = tlsrpt_diagnosis_steps(e, p, &names);

    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "title",
                     words_json(tlsrpt_diagnosis_title, e, p, &names),
                     "meaning",
                     words_json(tlsrpt_diagnosis_meaning, e, p, &names),
                     "likely-cause",
                     words_json(tlsrpt_diagnosis_cause, e, p, &names),
                     "fix", fix_json(steps), "steps", steps,
                     "lost-mail",
                     words_json(tlsrpt_diagnosis_lost_mail, e, p, &names),
                     "possible-attack", suspicion_json(p, &names));
}


/* Of what a check alone shows. */

static json_t *
said_of_check(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    json_t  *json = tlsrpt_finding_json(&e->checked->ask, p->finding);
    json_t  *fix = fix_json(json_object_get(json, "steps"));

    if (json == NULL || fix == NULL
        || json_object_set_new(json, "fix", fix) != 0
        || json_object_set_new(json, "possible-attack", json_null()) != 0)
    {
        json_decref(json);
        return NULL;
    }

    (void) json_object_del(json, "cause");
    (void) json_object_del(json, "lost");
    (void) json_object_del(json, "since");

    return json;
}


/* What the check saw, behind what reports tell. */

static int
add_check(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p, json_t *said)
{
    int             rc;
    json_t         *one, *both;
    tlsrpt_names_t  names;
    tlsrpt_words_t  w = { .len = 0 };

    tlsrpt_finding_names(&e->checked->ask, p->finding, &names);
    tlsrpt_finding_evidence(p->finding, &names, &w);
    tlsrpt_say_no_more(&w);
    one = tlsrpt_words_json(&w);
    both = json_sprintf("%s %s", json_string_value(json_object_get(said,
                                                                   "meaning")),
                        json_string_value(one));
    rc = json_object_set_new(said, "meaning", both);
    json_decref(one);

    return rc;
}


json_t *
tlsrpt_problem_json(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    json_t  *json = facts_json(e, p);
    json_t  *said = p->kind == TLSRPT_OF_CHECK ? said_of_check(e, p)
                                               : said_json(e, p);

    if (json == NULL || said == NULL
        || (p->kind == TLSRPT_OF_REPORTS && p->finding != NULL
            && add_check(e, p, said) != 0)
        || json_object_update(json, said) != 0) {
        json_decref(json);
        json = NULL;
    }

    json_decref(said);

    return json;
}
