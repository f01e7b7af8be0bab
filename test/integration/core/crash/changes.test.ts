import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { changeScenarios } from '../../../helpers/core/crash/scenarios/change-scenarios.ts';

describeCrashes(changeScenarios);
