/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_count.h"
#include "tlsrpt_further.h"
#include "tlsrpt_problem_json.h"
#include "tlsrpt_result.h"
#include "tlsrpt_time.h"
#include "tlsrpt_words.h"


#define SECTION  "further"

/* Lists of values, of which some are enough. */
static const char *const  lists[] = {
    "organization-names", "contacts", "receiving-mx-hostnames",
    "sending-mta-ips", "receiving-ips", "failure-reason-codes", "policy-types",
    "signed-by"
};

#define NLISTS  (sizeof(lists) / sizeof(lists[0]))


void
tlsrpt_further_add(tlsrpt_further_t *f, const tlsrpt_problem_t *p)
{
    if (f->n < TLSRPT_KEPT_VALUES) {
        f->list[f->n] = p;
    }

    f->severity = p->severity > f->severity ? p->severity : f->severity;
    f->by_signed = p->by_signed > f->by_signed ? p->by_signed : f->by_signed;
    f->lost = p->lost > f->lost ? p->lost : f->lost;
    f->failed = tlsrpt_count_add(f->failed, p->failed);
    f->posted = tlsrpt_count_add(f->posted, p->posted);
    f->mailed = tlsrpt_count_add(f->mailed, p->mailed);
    f->first = f->n && f->first < p->first ? f->first : p->first;
    f->last = f->n && f->last > p->last ? f->last : p->last;
    f->n++;
}


static int
has(const json_t *array, const json_t *value)
{
    size_t   i;
    json_t  *other;

    json_array_foreach((json_t *) array, i, other) {
        if (json_equal(other, (json_t *) value)) {
            return 1;
        }
    }

    return 0;
}


/* What the other has and it has not. */

static int
merge(json_t *array, const json_t *other)
{
    int      rc = 0;
    size_t   i;
    json_t  *value;

    json_array_foreach((json_t *) other, i, value) {
        if (json_array_size(array) < TLSRPT_KEPT_VALUES && !has(array, value)) {
            rc |= json_array_append(array, value);
        }
    }

    return rc;
}


/* Their values in one; NULL: no memory. */

static json_t *
all_values(const tlsrpt_evidence_t *e, const tlsrpt_further_t *f)
{
    int      rc = 0;
    json_t  *other, *json = tlsrpt_problem_json(e, f->list[0]);

    for (size_t i = 1; json && i < f->n && i < TLSRPT_KEPT_VALUES; i++) {
        other = tlsrpt_problem_json(e, f->list[i]);
        rc |= other == NULL;

        for (size_t k = 0; other != NULL && k < NLISTS; k++) {
            rc |= merge(json_object_get(json, lists[k]),
                        json_object_get(other, lists[k]));
        }

        json_decref(other);
    }

    if (rc != 0) {
        json_decref(json);
        json = NULL;
    }

    return json;
}


static json_t *
text_json(const tlsrpt_names_t *names, const char *name)
{
    tlsrpt_words_t  w;

    w.len = 0;
    tlsrpt_say(&w, names, tlsrpt_text(SECTION, name));
    tlsrpt_say_no_more(&w);

    return tlsrpt_words_json(&w);
}


json_t *
tlsrpt_further_json(const tlsrpt_evidence_t *e, const tlsrpt_further_t *f)
{
    json_t          *said, *json = all_values(e, f);
    tlsrpt_names_t   names;
    char             first[TLSRPT_DAY_TEXT_LEN + 1];
    char             last[TLSRPT_DAY_TEXT_LEN + 1];

    names.n = 0;
    names.len = 0;
    tlsrpt_name_made(&names, "count", "%zu", f->n);
    tlsrpt_day_text(f->first, first);
    tlsrpt_day_text(f->last, last);

    said = json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:[{s:o}],"
                     " s:{s:I, s:I, s:i}, s:n}",
                     "result-type", TLSRPT_OVERFLOW,
                     "severity", tlsrpt_severity_name(f->severity),
                     "first-day", first, "last-day", last,
                     "failed-session-count", (json_int_t) f->failed,
                     "title", text_json(&names, "title"),
                     "meaning", text_json(&names, "meaning"),
                     "likely-cause", text_json(&names, "cause"),
                     "fix", text_json(&names, "step"),
                     "steps", "text", text_json(&names, "step"),
                     "via", "https", (json_int_t) f->posted,
                     "mail", (json_int_t) f->mailed, "check", 0,
                     "possible-attack");

    if (json == NULL || said == NULL || json_object_update(json, said) != 0) {
        json_decref(json);
        json = NULL;
    }

    json_decref(said);

    return json;
}


void
tlsrpt_further_cut(json_t *problem)
{
    for (size_t i = 0; i < NLISTS; i++) {
        json_t  *list = json_object_get(problem, lists[i]);

        while (json_array_size(list) > TLSRPT_KEPT_VALUES) {
            json_array_remove(list, json_array_size(list) - 1);
        }
    }

    json_array_clear(json_object_get(problem, "by-day"));
}
