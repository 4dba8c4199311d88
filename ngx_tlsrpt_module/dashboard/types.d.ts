/* Copyright (C) the tlsrpt authors
   SPDX-License-Identifier: BSD-2-Clause */

// What the reading API answers, for the check of types alone; doc/http.md has
// what it means.

export interface Sums {
    'total-successful-session-count': number;
    'total-failure-session-count': number;
}

export interface DomainRow extends Sums {
    domain: string;
    reports: number;
    'last-report': string | null;
    status: string;
    'problem-title': string | null;
    'lost-mail': 'yes' | 'perhaps' | 'no' | null;
    'policy-mode': 'enforce' | 'testing' | 'none' | null;
}

export interface Step {
    text: string;
    command?: string;
}

interface AnyProblem {
    id: string | null;
    'result-type': string | null;
    severity: 'high' | 'medium' | 'low';
    title: string;
    ongoing: boolean | null;
    'first-day': string | null;
    'last-day': string | null;
    'failed-session-count': number;
    'lost-mail': string;
    'receiving-mx-hostnames': string[];
    'organization-names': string[];
    steps: Step[];
}

export interface OpenProblem extends AnyProblem {
    domains: string[];
    'domain-count': number;
}

export interface DomainProblem extends AnyProblem {
    share: number;
    'share-of-senders': number;
    contacts: { address: string, verified: boolean }[];
    'sending-mta-ips': string[];
    'receiving-ips': string[];
    'failure-reason-codes': string[];
    meaning: string;
    'likely-cause': string;
    'possible-attack': string | null;
}

export interface Days {
    from: string;
    to: string;
    groups: (Partial<Sums> & { day: string,
                               'failed-session-count'?: number })[];
}
