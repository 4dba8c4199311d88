/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_diagnosis.h"
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
days_json(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    char     text[TLSRPT_DAY_TEXT_LEN + 1];
    json_t  *array = json_array();

    if (tlsrpt_problem_is_silence(p)) {
        return array;
    }

    for (int32_t day = p->first; array && day <= p->last; day++) {
        const uint64_t  failed = p->by_day[day - e->scan.from];

        if (failed == 0) {
            continue;
        }

        tlsrpt_day_text(day, text);

        if (json_array_append_new(array,
                json_pack("{s:s, s:I}", "day", text, "failed-session-count",
                          (json_int_t) failed))
            != 0)
        {
            json_decref(array);
            array = NULL;
        }
    }

    return array;
}


typedef void (*say_pt)(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_words_t *w);

static json_t *
words_json(say_pt say, const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    tlsrpt_words_t  w;

    say(e, p, &w);

    return tlsrpt_words_json(&w);
}


static json_t *
suspicion_json(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    tlsrpt_words_t  w;

    tlsrpt_suspicion(e, p, &w);

    return w.len ? tlsrpt_words_json(&w) : json_null();
}


static json_t *
problem_json(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    char                    first[TLSRPT_DAY_TEXT_LEN + 1];
    char                    last[TLSRPT_DAY_TEXT_LEN + 1];
    const tlsrpt_groups_t  *g = p->groups;

    tlsrpt_day_text(p->first, first);
    tlsrpt_day_text(p->last, last);

    return json_pack("{s:s%, s:s, s:o, s:b, s:s, s:s, s:I, s:f,"
                     " s:o, s:o, s:o, s:o, s:o, s:o,"
                     " s:s, s:o, s:o, s:s, s:o, s:o}",
                     "result-type", p->result_type.data, p->result_type.len,
                     "severity", tlsrpt_severity_name(p->severity),
                     "title", words_json(tlsrpt_diagnosis_title, e, p),
                     "ongoing", p->ongoing,
                     "first-day", first, "last-day", last,
                     "failed-session-count", (json_int_t) p->failed,
                     "share", p->share,
                     "organization-names",
                     list_json(&g[TLSRPT_PROBLEM_ORGANIZATIONS]),
                     "receiving-mx-hostnames", list_json(&g[TLSRPT_PROBLEM_MX]),
                     "sending-mta-ips",
                     list_json(&g[TLSRPT_PROBLEM_SENDING_IPS]),
                     "receiving-ips",
                     list_json(&g[TLSRPT_PROBLEM_RECEIVING_IPS]),
                     "failure-reason-codes",
                     list_json(&g[TLSRPT_PROBLEM_REASONS]),
                     "policy-types", list_json(&g[TLSRPT_PROBLEM_TYPES]),
                     "meaning", p->explanation->meaning,
                     "likely-cause", words_json(tlsrpt_diagnosis_cause, e, p),
                     "fix", words_json(tlsrpt_diagnosis_fix, e, p),
                     "lost-mail", tlsrpt_diagnosis_lost_mail(e, p),
                     "possible-attack", suspicion_json(e, p),
                     "by-day", days_json(e, p));
}


json_t *
tlsrpt_problem_json(const tlsrpt_evidence_t *e,
    tlsrpt_problem_t *const *problems, size_t n, json_t *conflicts)
{
    char                      from[TLSRPT_DAY_TEXT_LEN + 1];
    char                      to[TLSRPT_DAY_TEXT_LEN + 1];
    json_t                   *array = json_array();
    const tlsrpt_day_scan_t  *scan = &e->scan;

    for (size_t i = 0; array != NULL && i < n; i++) {
        if (json_array_append_new(array, problem_json(e, problems[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    }

    tlsrpt_day_text(scan->from, from);
    tlsrpt_day_text(scan->to, to);

    return json_pack("{s:s%, s:s, s:s, s:O, s:o}", "domain",
                     scan->domain.data, scan->domain.len, "from", from,
                     "to", to, "conflicting-reports", conflicts, "problems",
                     array);
}
