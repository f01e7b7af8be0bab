import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { logScenarios } from '../../../helpers/core/crash/scenarios/log-scenarios.ts';

describeCrashes(logScenarios);
