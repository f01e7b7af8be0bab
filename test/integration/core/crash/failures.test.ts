import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { failureScenarios } from '../../../helpers/core/crash/scenarios/failure-scenarios.ts';

describeCrashes(failureScenarios);
