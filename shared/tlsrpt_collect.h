/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * All that a host needs to collect: bytes become a report, a report becomes one
 * command for Redis for each policy domain, and the reply says whether it was
 * stored.
 *
 *     tlsrpt_reader_create, and for each report _reset, _feed, _finish
 *     tlsrpt_report_check_range
 *     tlsrpt_ingest_command, sent as EVALSHA; tlsrpt_reply_error_class
 *     tlsrpt_due_add, before it where the report has failures, and after it
 *     tlsrpt_index_add, tlsrpt_index_keep, when they are due
 *     tlsrpt_closing_create, when a month is due (TLSRPT_INGEST_DUE)
 *     tlsrpt_strike_create, where one is to be struck out
 *
 * The host owns the socket, the event loop and the clock.
 */

#ifndef TLSRPT_COLLECT_H
#define TLSRPT_COLLECT_H

#include "tlsrpt_closing.h"
#include "tlsrpt_command.h"
#include "tlsrpt_commit.h"
#include "tlsrpt_domain.h"
#include "tlsrpt_due.h"
#include "tlsrpt_error.h"
#include "tlsrpt_index.h"
#include "tlsrpt_ingest.h"
#include "tlsrpt_key.h"
#include "tlsrpt_newcomer.h"
#include "tlsrpt_reader.h"
#include "tlsrpt_reckoning.h"
#include "tlsrpt_reply.h"
#include "tlsrpt_report.h"
#include "tlsrpt_strike.h"
#include "tlsrpt_time.h"

#endif /* TLSRPT_COLLECT_H */
