/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * All that a host needs to answer: a checked query becomes commands that read
 * from Redis, and their replies become the answer.  Most answers are
 * lookups (tlsrpt_lookup.h), which a host drives without knowing them.
 */

#ifndef TLSRPT_ANSWER_H
#define TLSRPT_ANSWER_H

#include "tlsrpt_document.h"
#include "tlsrpt_events.h"
#include "tlsrpt_index.h"
#include "tlsrpt_key.h"
#include "tlsrpt_lookup.h"
#include "tlsrpt_metrics.h"
#include "tlsrpt_open.h"
#include "tlsrpt_overview.h"
#include "tlsrpt_policy_past.h"
#include "tlsrpt_problems.h"
#include "tlsrpt_query.h"
#include "tlsrpt_reply.h"
#include "tlsrpt_reports.h"
#include "tlsrpt_senders.h"
#include "tlsrpt_state.h"
#include "tlsrpt_stats.h"
#include "tlsrpt_time.h"

#endif /* TLSRPT_ANSWER_H */
