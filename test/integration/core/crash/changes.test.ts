import { changeScenarios } from '../../../helpers/core/crash/change-scenarios.ts';
import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';

describeCrashes(changeScenarios);
