# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What goes wrong with records in DNS is found by the check before any report.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Incident;

sub txt { return map { qq(TXT "$_") } @_ }

incidents(
    'the reporting record is removed' => {
        type => 'record-missing', lost => 'No',
        says => ['_smtp\._tls\.DOMAIN', 'v=TLSRPTv1',
                 'mailto:reports@tlsrpt\.provider\.example'],
        break => sub { $_[0]{records}{'_smtp._tls'} = [] },
    },
    'a second reporting record' => {
        type => 'record-several', lost => 'No',
        says => ['_smtp\._tls\.DOMAIN', 'someone@else\.example|two|several'],
        break => sub {
            push @{ $_[0]{records}{'_smtp._tls'} },
                txt('v=TLSRPTv1; rua=mailto:someone@else.example');
        },
    },
    'the policy record is removed' => {
        type => 'record-missing', says => ['_mta-sts\.DOMAIN', 'v=STSv1'],
        break => sub { $_[0]{records}{'_mta-sts'} = [] },
    },
    'the id is that of another policy' => {
        type => 'policy-id-stale',
        says => ['_mta-sts\.DOMAIN', '20240101T000000', 'id='],
        break => sub {
            $_[0]{records}{'_mta-sts'} = [
                txt('v=STSv1; id=20240101T000000;')];
        },
    },
    'reports go to somebody else' => {
        type => 'record-differs', lost => 'No',
        says => ['_smtp\._tls\.DOMAIN', 'someone@else\.example'],
        break => sub {
            $_[0]{records}{'_smtp._tls'} = [
                txt('v=TLSRPTv1; rua=mailto:someone@else.example')];
        },
    },
    'the zone is signed no more, and the DS record stays' => {
        type => 'dnssec-invalid', lost => 'Yes', signed => 1,
        says => ['MX DOMAIN', 'delv MX DOMAIN', 'DS record'],
        break => sub { $_[1]{dns}->sign($_[0]{name}, 0) },
        repair => sub {
            $_[1]{dns}->sign($_[0]{name}, 1);
            $_[1]{resolver}->forget;
        },
    },
    'a mail server is added that the policy does not name' => {
        type => 'validation-failure', lost => 'Perhaps',
        says => ['mx3\.DOMAIN', 'policy'],
        break => sub {
            my ($site, $world) = @_;
            my $mx = $world->new_mx("mx3.$site->{name}");
            push @{ $site->{mx} }, $mx;
            push @{ $site->{records}{'@'} }, "MX 20 $mx->{host}.";
            $site->{records}{"$mx->{host}."} = ["A $mx->{address}"];
        },
    },
);
