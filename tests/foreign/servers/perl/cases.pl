#!/usr/bin/perl
# Cases over SOAP::Lite, rpc/encoded as it does by itself. One request at a time, no keep-alive.
use strict;
use warnings;
use utf8;
use SOAP::Lite;
use SOAP::Transport::HTTP;

package Cases;

sub found {
    my ($number) = @_;
    die SOAP::Fault->faultcode('Server')->faultstring('database is down') if $number =~ /^BROKEN/;
    die SOAP::Fault->faultcode('Client')->faultstring('no such case')
        ->faultdetail(SOAP::Data->name(trouble => { code => 'E404', hint => '无此办件' }))
        if $number =~ /^NONE/;
    my @steps = ({ at => '2017-05-01T10:00:00', name => '受理' });
    push @steps, { at => '2017-05-02T11:00:00', name => '审查' } if $number !~ /1$/;
    my $title = $number =~ /0$/ ? undef : "超限运输许可 $number";
    require Encode;
    return \SOAP::Data->value(
        SOAP::Data->name(number => $number)->type('string'),
        SOAP::Data->name(state => 'A')->type('string'),
        SOAP::Data->name(appliedAt => '2017-05-01T10:00:00')->type('string'),
        SOAP::Data->name(title => $title)->type('string'),
        SOAP::Data->name(step => [ map { step($_) } @steps ]),
        SOAP::Data->name(paper => Encode::encode('UTF-8', "批准文书 $number"))->type('base64Binary'),
    );
}

sub step {
    my ($one) = @_;
    return SOAP::Data->name(item => \SOAP::Data->value(
        SOAP::Data->name(at => $one->{at})->type('string'),
        SOAP::Data->name(name => $one->{name})->type('string'),
    ));
}

sub getCase {
    my ($class, $number) = @_;
    return SOAP::Data->name(case => found($number));
}

sub listCases {
    my ($class, $holder) = @_;
    return SOAP::Data->name(cases => []) if $holder eq 'nobody';
    return SOAP::Data->name(cases => [ map { SOAP::Data->name(item => found($_)) } qw(N0 N1 N2) ]);
}

package main;

my $daemon = SOAP::Transport::HTTP::Daemon->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 64, ReuseAddr => 1);
$daemon->serializer->encoding('utf-8');
$daemon->dispatch_with({ 'urn:quanyu:foreign' => 'Cases' });
$| = 1;
print "PORT " . $daemon->{_daemon}->sockport . "\n";
alarm 600;    # a server whose starter is gone ends by itself
$daemon->handle;
