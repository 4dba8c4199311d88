/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>

#include "tlsrpt_checked.h"
#include "tlsrpt_records_follow.h"
#include "tlsrpt_time.h"


/* A change is news for two looks of a day. */
#define NEWS_SECONDS  (2 * TLSRPT_DAY)


/* Did it change at the newest of changes, or with that? */

static int64_t
changed_at(const tlsrpt_look_t *look, int64_t now)
{
    return look->has_changed && look->since > now - NEWS_SECONDS ? look->since
                                                                 : 0;
}


void
tlsrpt_records_follow(tlsrpt_entries_t *s, const tlsrpt_evidence_t *e)
{
    int64_t               at[3], newest = 0;
    char                  what[96], day[TLSRPT_DAY_TEXT_LEN + 1];
    size_t                n = 0;
    tlsrpt_str_t          id = { what, 0 };
    const tlsrpt_seen_t  *seen = e->checked != NULL ? e->checked->ask.seen
                                                    : NULL;

    static const char *const  names[3] = { "_smtp._tls", "_mta-sts", "MX" };

    if (seen == NULL) {
        return;
    }

    at[0] = changed_at(&seen->reporting, s->how->now);
    at[1] = changed_at(&seen->sts, s->how->now);
    at[2] = changed_at(&seen->mx, s->how->now);

    for (int i = 0; i < 3; i++) {
        newest = at[i] > newest ? at[i] : newest;
    }

    if (newest == 0) {
        return;
    }

    for (int i = 0; i < 3; i++) {
        if (at[i] == newest) {
            n += (size_t) snprintf(what + n, sizeof(what) - n, "%s%s",
                                   n ? ", " : "", names[i]);
        }
    }

    tlsrpt_day_text(tlsrpt_day_of(newest), day);
    id.len = n + (size_t) snprintf(what + n, sizeof(what) - n, " %lld",
                                   (long long) newest);
    tlsrpt_entries_tell(s, "records-changed", id, day,
                        json_sprintf("DNS records changed: %.*s", (int) n,
                                     what));
}
