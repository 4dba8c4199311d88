/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_cover.h"
#include "tlsrpt_policy_held.h"
#include "tlsrpt_time.h"


int64_t
tlsrpt_policy_held_until(const tlsrpt_versions_t *versions,
    const tlsrpt_version_t *v, int64_t now)
{
    return (v == tlsrpt_versions_now(versions, now) ? now : v->last)
           + v->max_age;
}


static int
has_line(const tlsrpt_version_t *v, tlsrpt_str_t host)
{
    size_t   i;
    json_t  *line;

    json_array_foreach((json_t *) v->mx, i, line) {
        const tlsrpt_str_t  pattern = { json_string_value(line),
                                        json_string_length(line) };

        if (pattern.data != NULL && tlsrpt_covers(pattern, host)) {
            return 1;
        }
    }

    return 0;
}


/* Of the older versions in enforce without a line for the server, the one that
   is held the longest; NULL: none. */

static const tlsrpt_version_t *
without_line(const tlsrpt_versions_t *versions, tlsrpt_str_t host, int64_t now)
{
    const tlsrpt_version_t  *longest = NULL;

    for (size_t i = 0; i < versions->n; i++) {
        const tlsrpt_version_t  *v = &versions->list[i];
        const int64_t            until = tlsrpt_policy_held_until(versions, v,
                                                                  now);

        if (v != tlsrpt_versions_now(versions, now) && until > now
            && v->mode == MTA_STS_ENFORCE && !has_line(v, host)
            && (longest == NULL
                || until > tlsrpt_policy_held_until(versions, longest, now)))
        {
            longest = v;
        }
    }

    return longest;
}


void
tlsrpt_policy_held_advise(const tlsrpt_versions_t *versions,
    const tlsrpt_seen_t *seen, int64_t now, json_t *advice)
{
    char                     served[TLSRPT_DAY_TEXT_LEN + 1];
    char                     until[TLSRPT_DAY_TEXT_LEN + 1];
    const tlsrpt_version_t  *now_served = tlsrpt_versions_now(versions, now);

    for (size_t i = 0; now_served != NULL && i < seen->nhosts; i++) {
        const tlsrpt_str_t       host = seen->hosts[i].host;
        const tlsrpt_version_t  *v = without_line(versions, host, now);

        /* what the policy of now leaves out is a problem of its own */

        if (v == NULL || !has_line(now_served, host)) {
            continue;
        }

        tlsrpt_day_text(tlsrpt_day_of(v->last), served);
        tlsrpt_day_text(tlsrpt_day_of(tlsrpt_policy_held_until(versions, v,
                                                               now)), until);
        json_array_append_new(advice, json_sprintf(
            "%.*s is in the MX, but not in the version of id=%.*s, which was "
            "served in enforce until %s: a sender that holds it, until %s at "
            "the latest, does not deliver to this server. Let the MX name a "
            "server of that version, too, until then.", (int) host.len,
            host.data, (int) v->id.len, v->id.data, served, until));
    }
}
