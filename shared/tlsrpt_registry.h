/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * All that a host needs of domains that are enrolled at run time: records are
 * read, changed and written, with events; tokens; what is answered.
 */

#ifndef TLSRPT_REGISTRY_H
#define TLSRPT_REGISTRY_H

#include "tlsrpt_enrol_body.h"
#include "tlsrpt_enrolment.h"
#include "tlsrpt_erase.h"
#include "tlsrpt_registry_acts.h"
#include "tlsrpt_registry_answer.h"
#include "tlsrpt_registry_change.h"
#include "tlsrpt_registry_proof.h"
#include "tlsrpt_registry_put.h"
#include "tlsrpt_registry_read.h"
#include "tlsrpt_registry_record.h"
#include "tlsrpt_registry_upkeep.h"

#endif /* TLSRPT_REGISTRY_H */
